/** Gathers frames, so that what is sent in one turn goes to the transport in one piece. */
import { flags, frameBytes, frameHeaderBytes, frameTypes } from './frames.ts'
import { type HpackEncoder, maxBlockBytes } from './hpack-encoder.ts'
import type { SentField } from './seam.ts'
import { giveSlab, takeSlab } from './slab.ts'

export interface Output {
  /** False while the transport wants a pause. Then DATA must wait; other frames are kept, up to a limit. */
  readonly ready: boolean
  data(id: number, bytes: Buffer, from: number, to: number, ends: boolean): void
  /** A HEADERS frame, with CONTINUATION frames if it has to be. */
  headers(id: number, fields: readonly SentField[], ends: boolean): void
  /** Any other frame. */
  frame(type: number, flags: number, id: number, payload: Buffer): void
  /** A frame of four bytes: RST_STREAM or WINDOW_UPDATE. */
  number(type: number, id: number, value: number): void
  /** Bytes that are no frame: the preface. */
  raw(bytes: Buffer): void
  flush(): void
  /** The transport takes more: writes what was kept. */
  resume(): void
  /** Writes all there is, whether the transport wants it or not: nothing follows. */
  finish(): void
}

export interface OutputOptions {
  readonly write: (bytes: Buffer) => boolean
  /** Called at the first byte that is gathered: `flush` has to be called some time after. */
  readonly touched: () => void
  /** More is kept than a transport that pauses can be meant to get. */
  readonly overflowed: () => void
}

const maxKeptBytes = 1024 * 1024

const nothing: Buffer = Buffer.alloc(0)

export const createOutput = (encoder: HpackEncoder, { write, touched, overflowed }: OutputOptions): Output => {
  let slab: Buffer = nothing
  let at = 0
  let start = 0
  let ready = true
  let kept: Buffer[] = []
  let keptBytes = 0

  const hand = (bytes: Buffer): void => {
    if (ready) {
      ready = write(bytes)
      return
    }
    kept.push(bytes)
    keptBytes += bytes.length
    if (keptBytes > maxKeptBytes) overflowed()
  }

  const handOver = (): void => {
    if (at === start) return
    const piece = slab.subarray(start, at)
    start = at
    hand(piece)
  }

  const flush = (): void => {
    handOver()
    giveSlab(slab.subarray(at))
    slab = nothing
    at = 0
    start = 0
  }

  /** Makes room for so many bytes in one stretch, at most a slab. */
  const reserve = (bytes: number): void => {
    if (slab.length - at >= bytes) return
    const fresh = slab.length === 0
    if (!fresh) handOver()
    slab = takeSlab(bytes)
    at = 0
    start = 0
    if (fresh) touched()
  }

  const putNumber = (value: number): void => {
    slab[at] = value >>> 24
    slab[at + 1] = value >>> 16
    slab[at + 2] = value >>> 8
    slab[at + 3] = value
    at += 4
  }

  /** Writes the header of a frame for which there is room. */
  const putHeader = (length: number, type: number, flag: number, id: number): void => {
    slab[at] = length >>> 16
    slab[at + 1] = length >>> 8
    slab[at + 2] = length
    slab[at + 3] = type
    slab[at + 4] = flag
    at += 5
    putNumber(id)
  }

  const put = (bytes: Buffer, from: number, to: number): void => {
    at += bytes.copy(slab, at, from, to)
  }

  const frame = (type: number, flag: number, id: number, payload: Buffer, from: number, to: number): void => {
    reserve(frameHeaderBytes + to - from)
    putHeader(to - from, type, flag, id)
    put(payload, from, to)
  }

  /** Encodes in place, and puts the header in front when the length is known. */
  const shortHeaders = (id: number, fields: readonly SentField[], ends: boolean, bound: number): void => {
    reserve(frameHeaderBytes + bound)
    const header = at
    const end = encoder.encode(fields, slab, at + frameHeaderBytes)
    const flag = flags.END_HEADERS | (ends ? flags.END_STREAM : 0)
    putHeader(end - header - frameHeaderBytes, frameTypes.HEADERS, flag, id)
    at = end
  }

  const longHeaders = (id: number, fields: readonly SentField[], ends: boolean, bound: number): void => {
    const block = Buffer.allocUnsafe(bound)
    const end = encoder.encode(fields, block, 0)
    for (let from = 0; from < end; from += frameBytes) {
      const type = from === 0 ? frameTypes.HEADERS : frameTypes.CONTINUATION
      const to = Math.min(end, from + frameBytes)
      const ending = from === 0 && ends ? flags.END_STREAM : 0
      frame(type, ending | (to === end ? flags.END_HEADERS : 0), id, block, from, to)
    }
  }

  const resume = (): void => {
    const waiting = kept
    kept = []
    keptBytes = 0
    ready = true
    if (waiting.length > 0) hand(waiting.length === 1 ? (waiting[0] ?? nothing) : Buffer.concat(waiting))
  }

  return {
    get ready() {
      return ready
    },
    data: (id, bytes, from, to, ends) => frame(frameTypes.DATA, ends ? flags.END_STREAM : 0, id, bytes, from, to),
    headers: (id, fields, ends) => {
      const bound = maxBlockBytes(fields)
      if (bound <= frameBytes) shortHeaders(id, fields, ends, bound)
      else longHeaders(id, fields, ends, bound)
    },
    frame: (type, flag, id, payload) => frame(type, flag, id, payload, 0, payload.length),
    number: (type, id, value) => {
      reserve(frameHeaderBytes + 4)
      putHeader(4, type, 0, id)
      putNumber(value)
    },
    raw: (bytes) => {
      reserve(bytes.length)
      put(bytes, 0, bytes.length)
    },
    flush,
    resume,
    finish: () => {
      flush()
      resume()
    },
  }
}
