/** Reads bodies as they stream by, without keeping them. */
import { chunkedBody } from './chunked.ts'
import type { Field } from './fields.ts'
import type { Framing } from './framing.ts'

export type Pass = (piece: Buffer) => void

/** Finds the end of one body. What it lets pass is checked: a reader downstream finds the same end. */
export interface BodyReader {
  /**
   * Passes on what belongs to the body and returns how many bytes of `bytes` that were; fewer than all only once the
   * body is done. Throws `Refusal` when the framing is wrong.
   */
  read(bytes: Buffer, pass: Pass): number
  readonly done: boolean
}

export interface BodyOptions {
  /** Take the chunks' framing away, for a receiver that does not know it. */
  readonly decode: boolean
  readonly maxTrailerBytes: number
  /** Throws for a trailer field that must not pass. */
  readonly checkTrailer: (field: Field) => void
}

const exactBody = (length: number): BodyReader => {
  let left = length
  return {
    read: (bytes, pass) => {
      const taken = Math.min(left, bytes.length)
      left -= taken
      if (taken > 0) pass(taken === bytes.length ? bytes : bytes.subarray(0, taken))
      return taken
    },
    get done() {
      return left === 0
    },
  }
}

/** All that comes: until the connection ends, or after a switch of protocols. */
export const endlessBody: BodyReader = {
  read: (bytes, pass) => {
    pass(bytes)
    return bytes.length
  },
  done: false,
}

export const noBody: BodyReader = { read: () => 0, done: true }

export const createBodyReader = (framing: Framing, options: BodyOptions): BodyReader => {
  if (framing === 0) return noBody
  if (framing === 'close') return endlessBody
  return framing === 'chunked' ? chunkedBody(options) : exactBody(framing)
}
