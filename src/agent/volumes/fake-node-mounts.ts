/** Mounts for tests: nothing is mounted, and all is told. */
import { readlink } from 'node:fs/promises'
import { isIn } from '../../host/is-in.ts'
import type { NodeMounts } from './node-mounts.ts'

export interface FakeNodeMounts extends NodeMounts {
  /** What is mounted now, by where: `tmpfs SOURCE OPTIONS`, or what was opened. */
  readonly mounted: ReadonlyMap<string, string>
}

export const createFakeNodeMounts = (): FakeNodeMounts => {
  const mounted = new Map<string, string>()
  return {
    mounted,
    isMounted: async (folder) => mounted.has(folder),
    mountSource: async ({ type, source, options }, folder) => {
      if (!mounted.has(folder)) mounted.set(folder, `${type} ${source} ${options.join()}`)
    },
    share: async (folder) => void mounted.set(folder, 'shared'),
    mountOpen: async (fd, target) => void mounted.set(target, await readlink(`/proc/self/fd/${fd}`)),
    unmountAll: async (folder) => {
      for (const target of [...mounted.keys()]) if (isIn(target, folder)) mounted.delete(target)
    },
  }
}
