/** Blobs, written to a file as they come: gone on with where a connection broke or a process was killed, never believed. */

import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { counted } from '../../host/counted.ts'
import { digestOfHex } from '../digest.ts'
import { damaged, hasFault, ImageError } from '../image-error.ts'
import type { Descriptor } from '../manifest/manifest.ts'
import { fileSize, partialName, takeUpDownload } from '../store/partial.ts'
import type { Repository } from './repository.ts'

export interface Download {
  readonly descriptor: Descriptor
  readonly repository: Pick<Repository, 'blob'>
  /** Of the caller's alone: where the file is while it is written. */
  readonly folder: string
  /** Where what is not complete waits for whoever wants it next. */
  readonly partial: string
  /** Called with how many bytes are there. */
  readonly onBytes?: (bytes: number) => void
  readonly signal?: AbortSignal
}

const hashOf = async (file: string, bytes: number): Promise<Hash> => {
  const hash = createHash('sha256')
  if (bytes > 0) for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk)
  return hash
}

/** Breaks without so much gained between them end it; a registry that sends a byte and breaks would be asked for ever. */
const breaksInARow = 3
const gainBytes = 64 * 1024

/** Appends one answer. Resolves to the bytes and the hash that the file has then. */
const append = async (
  { descriptor, repository, onBytes, signal }: Download,
  file: string,
  before: { readonly bytes: number; readonly hash: Hash },
  progress: (bytes: number) => void,
): Promise<Hash> => {
  const part = await repository.blob(descriptor.digest, before.bytes, signal)
  const isAnew = part.offset === 0
  const hash = isAnew ? createHash('sha256') : before.hash
  let bytes = part.offset
  const handle = await open(file, isAnew ? 'w' : 'a', 0o600)
  try {
    progress(bytes)
    for await (const chunk of part.body) {
      signal?.throwIfAborted()
      bytes += chunk.length
      if (bytes > descriptor.bytes)
        throw damaged(
          `blob ${descriptor.digest} has more than the ${counted(descriptor.bytes, 'byte')} of its manifest`,
        )
      await handle.write(chunk)
      hash.update(chunk)
      progress(bytes)
      onBytes?.(bytes)
    }
  } finally {
    await handle.close()
  }
  return hash
}

const fetchAll = async (download: Download, file: string): Promise<Hash> => {
  const { descriptor } = download
  let bytes = await fileSize(file)
  if (bytes > descriptor.bytes) {
    await rm(file)
    bytes = 0
  }
  let hash = await hashOf(file, bytes)
  for (let breaks = 0; bytes < descriptor.bytes || descriptor.bytes === 0; ) {
    const begun = bytes
    try {
      hash = await append(download, file, { bytes, hash }, (now) => {
        bytes = now
      })
      if (bytes === descriptor.bytes) break
      throw new ImageError(
        'unavailable',
        `blob ${descriptor.digest} ended after ${bytes} of ${counted(descriptor.bytes, 'byte')}`,
      )
    } catch (error) {
      if (!hasFault(error, 'unavailable') || download.signal?.aborted) throw error
      breaks = bytes - begun >= gainBytes ? 0 : breaks + 1
      if (breaks >= breaksInARow) throw error
      // What was written while the connection broke is what counts.
      bytes = await fileSize(file)
      hash = await hashOf(file, bytes)
    }
  }
  return hash
}

/**
 * Resolves to the file, in `folder`, whose digest is right. Rejects with `ImageError`; what is in the folder by then is a beginning
 * of it.
 */
export const download = async (order: Download): Promise<string> => {
  const { descriptor, folder, partial } = order
  const { digest } = descriptor
  const file = join(folder, partialName(digest))
  await takeUpDownload(partial, file, digest)
  try {
    const hash = await fetchAll(order, file)
    const found = digestOfHex(hash.digest('hex'))
    if (found !== digest) throw damaged(`blob ${digest} arrived as ${found}`)
    return file
  } catch (error) {
    // What is wrong is no beginning of anything.
    if (hasFault(error, 'damaged')) await rm(file, { force: true })
    throw error
  }
}
