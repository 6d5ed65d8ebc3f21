/** The header blocks of SPDY/3: names and values, compressed by one zlib stream for the whole session. */
import { constants, createInflate } from 'node:zlib'
import { dictionary } from './dictionary.ts'

export type Headers = ReadonlyMap<string, string>

/** Of one block, as it is when it is no longer compressed: a few short names is all that anybody sends. */
const maxBlockBytes = 16 * 1024
const maxPairs = 64

/** Throws for a block that is not what it says. */
export const parseHeaders = (block: Buffer): Headers => {
  let at = 0
  const take = (length: number): Buffer => {
    if (at + length > block.length) throw new Error('a header block that ends early')
    at += length
    return block.subarray(at - length, at)
  }
  const text = (): string => take(take(4).readUInt32BE()).toString('latin1')
  const count = take(4).readUInt32BE()
  if (count > maxPairs) throw new Error(`a header block with ${count} headers`)
  const headers = new Map<string, string>()
  for (let pair = 0; pair < count; pair++) {
    const name = text().toLowerCase()
    headers.set(name, text())
  }
  if (at < block.length) throw new Error('a header block with something behind it')
  return headers
}

export interface HeaderReader {
  /** One block after the other: the next when the one before is done. Rejects for what is damaged or too long. */
  read(block: Buffer): Promise<Headers>
  close(): void
}

export const createHeaderReader = (): HeaderReader => {
  const inflate = createInflate({ dictionary, flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH })
  let parts: Buffer[] = []
  let length = 0
  let fail: ((error: Error) => void) | undefined
  inflate.on('data', (part: Buffer) => {
    length += part.length
    if (length > maxBlockBytes) inflate.destroy(new Error(`a header block of more than ${maxBlockBytes} bytes`))
    else parts.push(part)
  })
  inflate.on('error', (error) => fail?.(error))
  inflate.on('end', () => fail?.(new Error('the headers have ended')))

  return {
    read: (block) =>
      new Promise((resolve, reject) => {
        parts = []
        length = 0
        fail = reject
        inflate.write(block, (error) => {
          if (error) return reject(error)
          // What came of it has been told by then.
          setImmediate(() => {
            if (inflate.destroyed) return reject(new Error('the headers have ended'))
            try {
              resolve(parseHeaders(Buffer.concat(parts)))
            } catch (damage) {
              reject(damage)
            }
          })
        })
      }),
    close: () => void inflate.destroy(),
  }
}
