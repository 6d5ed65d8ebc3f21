/** Reads a stream of chunks in the sizes that its reader wants. */

export interface ByteSource {
  /** Exactly so many bytes; fewer (maybe none) only where the stream ends. */
  read(bytes: number): Promise<Buffer>
  /** The next bytes, at most so many, as they come; undefined where the stream ends. */
  some(most: number): Promise<Buffer | undefined>
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

  return {
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
    some: async (most) => ((await fill()) ? take(most) : undefined),
  }
}
