/** Images from files: an archive that Docker or others have saved, or a layout of OCI, as an archive or a folder. */
import { createReadStream } from 'node:fs'
import { open, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { asImageError, damaged, ImageError, unsupported } from '../image-error.ts'
import type { Image } from '../images.ts'
import { compressionOf, decompressed } from '../layer/decompressed.ts'
import { limits } from '../limits.ts'
import { nodePlatform, type Platform } from '../manifest/platform.ts'
import { formatReference, parseReference } from '../reference.ts'
import type { AddOptions, ImageSource, OpenStore } from '../store/image-store.ts'
import { type ArchiveFiles, openArchive, openFolder } from './archive-files.ts'
import { dockerManifest, readDockerArchive } from './docker-archive.ts'
import { layoutFile, readOciLayout } from './oci-layout.ts'

export interface ImportOptions extends AddOptions {
  /** For an archive of one image, in place of the names that it has. */
  readonly name?: string
  readonly platform?: Platform
}

const sourcesIn = async (files: ArchiveFiles, platform: Platform): Promise<readonly ImageSource[]> => {
  if (await files.has(dockerManifest)) return readDockerArchive(files)
  if (await files.has(layoutFile)) return readOciLayout(files, platform)
  throw unsupported(`it has neither ${dockerManifest} (of docker save) nor ${layoutFile}: it is no archive of images`)
}

const named = (sources: readonly ImageSource[], name: string | undefined): readonly ImageSource[] => {
  if (name === undefined) return sources
  const [only, ...others] = sources
  if (!only || others.length > 0)
    throw new ImageError('invalid name', `it has ${sources.length} images: none can be given a name`)
  return [{ ...only, names: [formatReference(parseReference(name))] }]
}

const firstBytes = async (file: string): Promise<Buffer> => {
  const handle = await open(file, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** Members of an archive are read where they lie: what is compressed, or comes from elsewhere, is written down first. */
const spooled = async (source: Readable, folder: string): Promise<string> => {
  const file = join(folder, 'archive.tar')
  await writeFile(file, decompressed(source, limits).chunks, { mode: 0o600 })
  return file
}

const openFiles = async (from: string | Readable, folder: string): Promise<ArchiveFiles> => {
  if (typeof from !== 'string') return openArchive(await spooled(from, folder))
  if ((await stat(from)).isDirectory()) return openFolder(from)
  const isCompressed = compressionOf(await firstBytes(from)) !== 'none'
  return openArchive(isCompressed ? await spooled(createReadStream(from), folder) : from)
}

const importAll = async (
  store: OpenStore,
  files: ArchiveFiles,
  { name, platform = nodePlatform(), ...options }: ImportOptions,
): Promise<readonly Image[]> => {
  const images: Image[] = []
  const sources = named(await sourcesIn(files, platform), name)
  if (sources.length === 0) throw damaged('there is no image in it')
  for (const source of sources) {
    const { image, settled } = await store.images.add(source, options)
    await settled
    images.push(image)
  }
  return images
}

/** `from`: a file, a folder, or a stream. All images that are in it; each is whole, also when a later one is not. */
export const importImages = async (
  store: OpenStore,
  from: string | Readable,
  options: ImportOptions = {},
): Promise<readonly Image[]> => {
  const what = typeof from === 'string' ? from : 'the archive'
  try {
    return await store.workplace.within(async (folder) => {
      const files = await openFiles(from, folder)
      try {
        return await importAll(store, files, options)
      } finally {
        await files.close()
      }
    })
  } catch (error) {
    if (options.signal?.aborted || !(error instanceof Error)) throw error
    const { fault, message } = asImageError(error, 'cannot be read')
    throw new ImageError(fault, `${what}: ${message}`, error)
  }
}
