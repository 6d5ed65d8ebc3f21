/** The files that an image is kept in: members of an archive, or files of a folder. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { damaged, unsupported } from '../image-error.ts'
import { type FilePart, type LayerFile, readPart, wholeFile } from '../layer/layer-file.ts'
import { limits } from '../limits.ts'
import { createFileSource } from '../tar/byte-source.ts'
import type { Entry } from '../tar/entry.ts'
import { createTarReader } from '../tar/reader.ts'

export interface ArchiveFiles {
  has(path: string): Promise<boolean>
  /** Rejects with `ImageError` when it is not there. */
  open(path: string): Promise<LayerFile>
  /** The whole of a small file. */
  read(path: string, most: number): Promise<Buffer>
  close(): Promise<void>
}

const entriesLimit = 100_000

interface Member {
  readonly offset: number
  readonly bytes: number
  /** Of a link: where it leads, in the archive. */
  readonly target: string | undefined
}

const plainPath = (path: string): string => posix.normalize(`/${path}`).slice(1)

const memberOf = ({ path, kind, link, bytes, sparse }: Entry, offset: number): Member | undefined => {
  if (kind === 'file' && !sparse) return { offset, bytes, target: undefined }
  if (kind === 'symlink') return { offset, bytes: 0, target: plainPath(posix.join(posix.dirname(`/${path}`), link)) }
  return kind === 'hardlink' ? { offset, bytes: 0, target: plainPath(link) } : undefined
}

const readMembers = async (file: FileHandle, bytes: number): Promise<ReadonlyMap<string, Member>> => {
  const members = new Map<string, Member>()
  const reader = createTarReader(createFileSource(file, bytes), limits)
  for (let entry = await reader.next(); entry; entry = await reader.next()) {
    const member = memberOf(entry, reader.offset)
    if (member) members.set(plainPath(entry.path), member)
    if (members.size > entriesLimit)
      throw unsupported(`the archive has more than ${entriesLimit} files: it is none of images`)
  }
  return members
}

const linksInARow = 10

const missing = (path: string): Error => damaged(`the archive has no ${path.slice(0, 200)}`)

const readAll = async (stream: Readable, path: string, bytes: number, most: number): Promise<Buffer> => {
  if (bytes <= most) return buffer(stream)
  stream.destroy()
  throw unsupported(`${path.slice(0, 200)} of the archive has more than ${most} bytes`)
}

/** An archive of tar, not compressed. */
export const openArchive = async (path: string): Promise<ArchiveFiles> => {
  const file = await open(path, 'r')
  try {
    const members = await readMembers(file, (await file.stat()).size)
    const find = (name: string): Member | undefined => {
      let member = members.get(plainPath(name))
      for (let n = 0; member?.target !== undefined && n < linksInARow; n++) member = members.get(member.target)
      return member?.target === undefined ? member : undefined
    }
    const needed = (name: string): Member => {
      const member = find(name)
      if (!member) throw missing(name)
      return member
    }
    const partOf = ({ offset, bytes }: Member): FilePart => ({ fd: file.fd, start: offset, bytes })
    return {
      has: async (name) => find(name) !== undefined,
      // The archive is closed as a whole.
      open: async (name) => ({ ...partOf(needed(name)), close: async () => undefined }),
      read: async (name, most) => {
        const member = needed(name)
        return readAll(readPart(partOf(member)), name, member.bytes, most)
      },
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** A layout in a folder. Links in it are not followed: whoever made it may have let them lead anywhere. */
export const openFolder = (folder: string): ArchiveFiles => {
  const openFile = async (name: string): Promise<FileHandle> => {
    const path = plainPath(name)
    try {
      return await open(join(folder, path), constants.O_RDONLY | constants.O_NOFOLLOW)
    } catch (error) {
      throw error instanceof Error && 'code' in error && error.code === 'ENOENT' ? missing(path) : error
    }
  }
  return {
    has: (name) =>
      openFile(name).then(
        (file) => file.close().then(() => true),
        () => false,
      ),
    open: async (name) => wholeFile(await openFile(name)),
    read: async (name, most) => {
      const file = await openFile(name)
      const { size } = await file.stat()
      return readAll(file.createReadStream(), name, size, most)
    },
    close: async () => undefined,
  }
}
