/** What is used of filesystems. */
import type { StatsFs } from 'node:fs'
import { stat, statfs } from 'node:fs/promises'
import { tmpfsType } from '../../host/linux-constants.ts'
import type { FilesystemUsage } from './usage.ts'

const usageOf = ({ bsize, blocks, bfree, bavail, files, ffree }: StatsFs): FilesystemUsage => ({
  capacityBytes: blocks * bsize,
  availableBytes: bavail * bsize,
  usedBytes: (blocks - bfree) * bsize,
  ...{ inodes: files, inodesFree: ffree },
})

/** It may be gone, or not for us: then there is nothing to tell. */
const lookAt = (path: string): Promise<StatsFs | undefined> => statfs(path).catch(() => undefined)

/** Of the filesystem that a file or folder is on. */
export const readFilesystem = async (path: string): Promise<FilesystemUsage | undefined> => {
  const found = await lookAt(path)
  return found && usageOf(found)
}

/** Of the root of a process, where that is a filesystem of its own; one on the node's disk cannot be told apart from it. */
export const readOwnRoot = async (pid: number): Promise<FilesystemUsage | undefined> => {
  const found = await lookAt(`/proc/${pid}/root`)
  return found?.type === tmpfsType ? usageOf(found) : undefined
}

/** What files take on their disk; those that are gone take nothing. */
export const bytesOnDisk = async (files: readonly string[]): Promise<number> => {
  const sizes = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((total, each) => total + each, 0)
}
