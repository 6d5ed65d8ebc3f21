/** How many processes share the control group of one. */
import { join } from 'node:path'
import { readKernelFile } from './kernel-files.ts'

/** Where the groups are that /proc/PID/cgroup tells of: of v1 the one that counts processes, of v2 the only one. Pure. */
export const groupFolders = (text: string, root = '/sys/fs/cgroup'): readonly string[] =>
  text.split('\n').flatMap((line) => {
    const [, controllers, path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (controllers === 'pids') return [join(root, 'pids', path)]
    return controllers === '' ? [join(root, path), join(root, 'unified', path)] : []
  })

/** Undefined when it has gone, or nobody counts. */
export const countGroupMembers = (pid: number): number | undefined => {
  for (const folder of groupFolders(readKernelFile(`/proc/${pid}/cgroup`) ?? '')) {
    const count = readKernelFile(join(folder, 'cgroup.procs'))?.split('\n').filter(Boolean).length ?? 0
    if (count > 0) return count
  }
  return undefined
}
