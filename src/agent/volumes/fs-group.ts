/**
 * Gives the files of a volume to the group that a pod names in `fsGroup`, as the kubelet does. Other pods may write to the volume
 * at the same time: links are never followed, and what is changed is what is held open, not what has its name by then.
 */
import { constants } from 'node:fs'
import { chmod, chown, type FileHandle, open, readdir } from 'node:fs/promises'
import type { Pod } from '../../api/types/index.ts'
import { pathOnly } from '../../host/linux-constants.ts'

const setGid = 0o2000
const folderBits = { write: setGid | 0o770, read: setGid | 0o550 }
const fileBits = { write: 0o660, read: 0o440 }

/** All folders on the way down are held open, and whoever writes to the volume decides how many there are. */
const maxDepth = 500

export type GroupAccess = 'write' | 'read'

const placeOf = ({ fd }: FileHandle): string => `/proc/self/fd/${fd}`

const ignoreGone = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === 'ENOENT') return undefined
  throw error
}

const share = async (handle: FileHandle, group: number, access: GroupAccess, depth: number): Promise<void> => {
  const found = await handle.stat()
  if (!found.isDirectory() && !found.isFile()) return
  const wanted = found.mode | (found.isDirectory() ? folderBits : fileBits)[access]
  // By the open file: of a folder the way goes on below it, of a file nothing is read.
  if (found.gid !== group) await chown(placeOf(handle), found.uid, group)
  if (found.gid !== group || wanted !== found.mode) await chmod(placeOf(handle), wanted & 0o7777)
  if (!found.isDirectory()) return
  if (depth >= maxDepth) throw new Error(`fsGroup: there are folders more than ${maxDepth} deep: remove them`)
  for (const name of await readdir(placeOf(handle)))
    await shareAt(`${placeOf(handle)}/${name}`, group, access, depth + 1)
}

const shareAt = async (path: string, group: number, access: GroupAccess, depth = 0): Promise<void> => {
  const handle = await open(path, pathOnly | constants.O_NOFOLLOW).catch(ignoreGone)
  if (!handle) return
  try {
    await share(handle, group, access, depth)
  } finally {
    await handle.close()
  }
}

const isShared = async (folder: string, group: number, access: GroupAccess): Promise<boolean> => {
  const handle = await open(folder, pathOnly | constants.O_DIRECTORY)
  try {
    const { gid, mode } = await handle.stat()
    return gid === group && (mode & folderBits[access]) === folderBits[access]
  } finally {
    await handle.close()
  }
}

/** By the pod's `fsGroup` and `fsGroupChangePolicy`; nothing happens where it has none. */
export const shareWithGroup = async (folder: string, { spec }: Pod, access: GroupAccess): Promise<void> => {
  const { fsGroup, fsGroupChangePolicy } = spec.securityContext ?? {}
  if (fsGroup === undefined) return
  if (fsGroupChangePolicy === 'OnRootMismatch' && (await isShared(folder, fsGroup, access))) return
  await shareAt(folder, fsGroup, access)
}
