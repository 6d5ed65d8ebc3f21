/** Reads bodies as they stream by, without keeping them. */
import { chunkedBody } from './chunked.ts'
import type { Field } from './fields.ts'
import type { Framing } from './framing.ts'

export type Pass = (piece: Buffer) => void

/**
 * Finds the end of one body. What it lets pass is checked: a reader downstream finds the same end. Here and wherever an
 * object is made for each request: no getters. V8 makes a hidden class for each such object, which keeps the whole
 * request alive until the next full collection.
 */
export interface BodyReader {
  /**
   * Passes on what belongs to the body and returns how many bytes of `bytes` that were; fewer than all only once the
   * body is done. Throws `Refusal` when the framing is wrong.
   */
  read(bytes: Buffer, pass: Pass): number
  readonly done: boolean
  /** Bytes of content so far, framing not counted. */
  readonly length: number
}

export interface BodyOptions {
  /** Take the chunks' framing away, for a receiver that does not know it. */
  readonly decode: boolean
  readonly maxTrailerBytes: number
  /** Throws for a trailer field that must not pass. */
  readonly checkTrailer: (field: Field) => void
  /** Told of the trailer fields when the framing is taken away. */
  readonly onTrailer?: (fields: readonly Field[]) => void
}

const exactBody = (length: number): BodyReader => {
  let left = length
  const reader = {
    done: left === 0,
    length: 0,
    read: (bytes: Buffer, pass: Pass): number => {
      const taken = Math.min(left, bytes.length)
      left -= taken
      reader.done = left === 0
      reader.length += taken
      if (taken > 0) pass(taken === bytes.length ? bytes : bytes.subarray(0, taken))
      return taken
    },
  }
  return reader
}

/** All that comes: until the connection ends, or after a switch of protocols. */
export const endlessBody: BodyReader = {
  read: (bytes, pass) => {
    pass(bytes)
    return bytes.length
  },
  done: false,
  length: 0,
}

export const noBody: BodyReader = { read: () => 0, done: true, length: 0 }

export const createBodyReader = (framing: Framing, options: BodyOptions): BodyReader => {
  if (framing === 0) return noBody
  if (framing === 'close') return endlessBody
  return framing === 'chunked' ? chunkedBody(options) : exactBody(framing)
}
