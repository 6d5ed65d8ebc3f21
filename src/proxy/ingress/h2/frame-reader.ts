/** Cuts a stream of bytes into frames. */
import { connectionError } from './errors.ts'
import { frameBytes, frameHeaderBytes, max31Bits } from './frames.ts'

/** A frame whose payload stands in `bytes` from `start` to `end`. */
export type TakeFrame = (type: number, flags: number, id: number, bytes: Buffer, start: number, end: number) => void

export interface FrameReader {
  /**
   * Calls `take` for each frame that is complete, and keeps the rest. Throws `ConnectionError` for a frame that is too
   * long, and what `take` throws; then nothing more must be read.
   */
  read(bytes: Buffer): void
}

const lengthAt = (bytes: Buffer, at: number): number => {
  const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
  if (length > frameBytes) throw connectionError('FRAME_SIZE_ERROR', `a frame of ${length} bytes`)
  return length
}

const idAt = (bytes: Buffer, at: number): number =>
  (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) &
  max31Bits

const nothing: Buffer = Buffer.alloc(0)

export const createFrameReader = (take: TakeFrame): FrameReader => {
  /** Room for one frame of which a part has come: its header first, then all of it. Copied once, however it is cut. */
  let partial: Buffer = nothing
  let filled = 0

  const takeAt = (bytes: Buffer, at: number, length: number): void => {
    const start = at + frameHeaderBytes
    take(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, idAt(bytes, at + 5), bytes, start, start + length)
  }

  /** Fills up the partial frame and returns how many bytes that took. */
  const complete = (bytes: Buffer): number => {
    let at = fill(bytes, 0, frameHeaderBytes)
    if (filled < frameHeaderBytes) return at
    const length = lengthAt(partial, 0)
    const wanted = frameHeaderBytes + length
    if (partial.length < wanted) {
      const room = Buffer.allocUnsafeSlow(wanted)
      partial.copy(room, 0, 0, filled)
      partial = room
    }
    at = fill(bytes, at, wanted)
    if (filled < wanted) return at
    const frame = partial
    partial = nothing
    filled = 0
    takeAt(frame, 0, length)
    return at
  }

  const fill = (bytes: Buffer, at: number, upTo: number): number => {
    if (filled >= upTo) return at
    const end = Math.min(bytes.length, at + upTo - filled)
    filled += bytes.copy(partial, filled, at, end)
    return end
  }

  const keep = (bytes: Buffer, at: number): void => {
    const known = bytes.length - at >= frameHeaderBytes
    partial = Buffer.allocUnsafeSlow(frameHeaderBytes + (known ? lengthAt(bytes, at) : 0))
    filled = bytes.copy(partial, 0, at)
  }

  return {
    read: (bytes) => {
      let at = filled === 0 ? 0 : complete(bytes)
      while (bytes.length - at >= frameHeaderBytes) {
        const length = lengthAt(bytes, at)
        if (bytes.length - at < frameHeaderBytes + length) break
        takeAt(bytes, at, length)
        at += frameHeaderBytes + length
      }
      if (at < bytes.length) keep(bytes, at)
    },
  }
}
