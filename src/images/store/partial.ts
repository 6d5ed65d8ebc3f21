/** Downloads that did not come to their end: files of their digests, with which the next one goes on. */
import { readdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, hexOf } from '../digest.ts'

export const partialName = (digest: Digest): string => `${hexOf(digest)}.part`
const isPartialName = (name: string): boolean => /^[0-9a-f]{64}\.part$/.test(name)

export const fileSize = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  )

/** Takes what there is of a blob for its own. A file can be renamed by one process only. */
export const takeUpDownload = async (partial: string, file: string, digest: Digest): Promise<void> => {
  await rename(join(partial, partialName(digest)), file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

/** Keeps what is in a folder that is to be removed, where it is more than what there was. */
export const rescueDownloads = async (folder: string, partial: string): Promise<void> => {
  // What is no folder, or cannot be read, holds nothing to keep.
  for (const name of (await readdir(folder).catch(() => [])).filter(isPartialName)) {
    const [file, kept] = [join(folder, name), join(partial, name)]
    if ((await fileSize(file)) > (await fileSize(kept))) await rename(file, kept)
  }
}
