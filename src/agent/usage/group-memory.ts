/** The memory that this process may have at most, where a control group that it is in has less than the machine. */
import { join } from 'node:path'
import { groupUsage } from './cgroup-usage.ts'
import { readKernelFile } from './kernel-files.ts'

export interface GroupMemory {
  readonly limitBytes: number
  readonly workingSetBytes: number
}

/** Its folder, and those of the groups above it, in the hierarchy that counts memory: v1 has one of its own. */
const foldersOf = (self: string, root: string): readonly string[] => {
  const lines = self.split('\n').map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line))
  const memory = lines.find((found) => found?.[1]?.split(',').includes('memory'))
  const unified = lines.find((found) => found?.[1] === '')
  const [home, path] = memory ? [join(root, 'memory'), memory[2] ?? '/'] : [root, unified?.[2] ?? '/']
  const parts = path.split('/').filter((part) => part !== '')
  return [home, ...parts.map((_, at) => join(home, ...parts.slice(0, at + 1)))]
}

/** Where there is none, v2 says `max`, and v1 a number that no machine has. */
const limitIn = (folder: string, read: typeof readKernelFile): number => {
  const text = read(join(folder, 'memory.max')) ?? read(join(folder, 'memory.limit_in_bytes')) ?? ''
  return /^\d+\n?$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
}

/** The one that leaves least; undefined where only the machine itself has an end. */
export const readGroupMemory = (
  machineBytes: number,
  read: typeof readKernelFile = readKernelFile,
  root = '/sys/fs/cgroup',
): GroupMemory | undefined => {
  const limited = foldersOf(read('/proc/self/cgroup') ?? '', root).flatMap((folder) => {
    const limitBytes = limitIn(folder, read)
    if (limitBytes >= machineBytes) return []
    const { memory } = groupUsage([(name) => read(join(folder, name))])
    return memory ? [{ limitBytes, workingSetBytes: memory.workingSetBytes }] : []
  })
  const left = ({ limitBytes, workingSetBytes }: GroupMemory): number => limitBytes - workingSetBytes
  return limited.toSorted((a, b) => left(a) - left(b))[0]
}
