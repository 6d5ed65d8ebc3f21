/** Reads a stream of chunks in the sizes that its reader wants. */
import type { FileHandle } from 'node:fs/promises'

export interface ByteSource {
  /** Exactly so many bytes; fewer (maybe none) only where the stream ends. */
  read(bytes: number): Promise<Buffer>
  /** The next bytes, at most so many, as they come; undefined where the stream ends. */
  some(most: number): Promise<Buffer | undefined>
  /** Passes over so many bytes. False where the stream ends before. */
  skip(bytes: number): Promise<boolean>
}

export const createByteSource = (chunks: AsyncIterable<Uint8Array>): ByteSource => {
  const iterator = chunks[Symbol.asyncIterator]()
  let current: Buffer = Buffer.alloc(0)

  const fill = async (): Promise<boolean> => {
    while (current.length === 0) {
      const { done, value } = await iterator.next()
      if (done) return false
      current = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    }
    return true
  }
  const take = (bytes: number): Buffer => {
    const taken = current.subarray(0, bytes)
    current = current.subarray(taken.length)
    return taken
  }

  const some: ByteSource['some'] = async (most) => ((await fill()) ? take(most) : undefined)

  return {
    some,
    skip: async (bytes) => {
      for (let left = bytes; left > 0; ) {
        const passed = await some(left)
        if (!passed) return false
        left -= passed.length
      }
      return true
    },
    read: async (bytes) => {
      if (current.length >= bytes) return take(bytes)
      const parts: Buffer[] = []
      for (let missing = bytes; missing > 0 && (await fill()); ) {
        const part = take(missing)
        parts.push(part)
        missing -= part.length
      }
      return Buffer.concat(parts)
    },
  }
}

/** Of a file, in which what is passed over is not read. */
export const createFileSource = (file: FileHandle, bytes: number): ByteSource => {
  let position = 0
  const read = async (most: number): Promise<Buffer> => {
    const buffer = Buffer.allocUnsafe(Math.min(most, Math.max(0, bytes - position)))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
    position += bytesRead
    return buffer.subarray(0, bytesRead)
  }
  return {
    read,
    some: async (most) => {
      const found = await read(Math.min(most, 1024 * 1024))
      return found.length === 0 ? undefined : found
    },
    skip: async (count) => {
      position += count
      return position <= bytes
    },
  }
}
