/** Bytes of a layer as they were before they were compressed, with what they are counted and known by. */
import { createHash } from 'node:crypto'
import { PassThrough, type Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { type Digest, digestOfHex } from '../digest.ts'
import { damaged, ImageError, unsupported } from '../image-error.ts'
import type { Limits } from '../limits.ts'

export type Compression = 'none' | 'gzip' | 'zstd'

const starts: readonly (readonly [string, Compression | 'xz' | 'bzip2'])[] = [
  ['1f8b', 'gzip'],
  ['28b52ffd', 'zstd'],
  ['fd377a585a00', 'xz'],
  ['425a68', 'bzip2'],
]

/** As the first bytes say: media types are not always true. A frame of zstd that is to be skipped (0x184D2A5n) may be the first. */
export const compressionOf = (start: Buffer): Compression => {
  const hex = start.toString('hex', 0, 8)
  if (/^5.2a4d18/.test(hex)) return 'zstd'
  const found = starts.find(([magic]) => hex.startsWith(magic))?.[1] ?? 'none'
  if (found === 'xz' || found === 'bzip2')
    throw unsupported(`a layer is compressed with ${found}: only gzip and zstd are read`)
  return found
}

export interface Decompressed {
  readonly chunks: AsyncIterable<Buffer>
  /** Of all of them, once they were read. */
  digest(): Digest
}

const chunkSize = 256 * 1024

const decompressor = (compression: Compression): Transform => {
  if (compression === 'gzip') return createGunzip({ chunkSize })
  return compression === 'zstd' ? createZstdDecompress({ chunkSize }) : new PassThrough({ highWaterMark: chunkSize })
}

const firstBytes = 8

/** Reads as many chunks as hold the first bytes; they are part of what is returned. */
const peek = async (iterator: AsyncIterator<Buffer>): Promise<readonly Buffer[]> => {
  const chunks: Buffer[] = []
  for (let bytes = 0; bytes < firstBytes; ) {
    const { done, value } = await iterator.next()
    if (done) break
    chunks.push(value)
    bytes += value.length
  }
  return chunks
}

/** Errors of the file stay what they are; those of the decompression are the layer's. */
const asDamage = (error: unknown): unknown => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^(?:Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(code)
    ? damaged(`a layer cannot be decompressed (${error instanceof Error ? error.message : code})`, error)
    : error
}

/** `source` is read from its beginning to its end. Reading throws `ImageError` where a limit is exceeded. */
export const decompressed = (
  source: Readable,
  limits: Pick<Limits, 'layerBytes' | 'ratio' | 'ratioFreeBytes'>,
): Decompressed => {
  const hash = createHash('sha256')
  let compressedBytes = 0
  let bytes = 0

  const check = (): void => {
    if (bytes > limits.layerBytes) throw unsupported(`a layer has more than ${limits.layerBytes} bytes`)
    if (bytes > limits.ratioFreeBytes && bytes > compressedBytes * limits.ratio)
      throw unsupported(`a layer grows to more than ${limits.ratio} times its size when it is unpacked`)
  }

  async function* counted(first: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void> {
    for (const chunk of first) {
      compressedBytes += chunk.length
      yield chunk
    }
    for (let { done, value } = await rest.next(); !done; { done, value } = await rest.next()) {
      compressedBytes += value.length
      yield value
    }
  }

  async function* read(): AsyncGenerator<Buffer, void> {
    const iterator: AsyncIterator<Buffer> = source[Symbol.asyncIterator]()
    const first = await peek(iterator)
    const stream = decompressor(compressionOf(Buffer.concat(first)))
    const fed = pipeline(counted(first, iterator), stream)
    // Its failure is that of the stream, too.
    fed.catch(() => undefined)
    try {
      for await (const chunk of stream) {
        hash.update(chunk)
        bytes += chunk.length
        check()
        yield chunk
      }
      await fed
    } catch (error) {
      throw error instanceof ImageError ? error : asDamage(error)
    } finally {
      stream.destroy()
      source.destroy()
    }
  }

  return { chunks: read(), digest: () => digestOfHex(hash.digest('hex')) }
}
