/** A whole answer. Rejects one of more bytes than `limit`, with what `tooLarge` makes. */
export const readWholeBytes = async (
  chunks: AsyncIterable<Uint8Array>,
  limit: number,
  tooLarge: () => Error,
): Promise<Buffer> => {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > limit) throw tooLarge()
    parts.push(chunk)
  }
  return Buffer.concat(parts)
}

/** As `readWholeBytes`, of text. */
export const readWhole = async (chunks: AsyncIterable<Uint8Array>, limit: number): Promise<string> =>
  (await readWholeBytes(chunks, limit, () => new Error('the answer is too large'))).toString('utf8')
