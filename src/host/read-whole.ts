/** A whole answer. Rejects one of more bytes than `limit`. */
export const readWhole = async (chunks: AsyncIterable<Uint8Array>, limit: number): Promise<string> => {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > limit) throw new Error('the answer is too large')
    parts.push(chunk)
  }
  return Buffer.concat(parts).toString('utf8')
}
