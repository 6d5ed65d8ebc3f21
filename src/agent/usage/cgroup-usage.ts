/** What control groups, v1 or v2, tell of their members. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseNumbers, readKernelFile } from './kernel-files.ts'
import type { MemoryUsage } from './usage.ts'

/** What is missing no group tells: in v1 there is a folder for each controller, and not every container has each of them. */
export interface GroupUsage {
  readonly cpuNanoseconds?: number
  readonly memory?: MemoryUsage
  /** The pids of all members, where a group tells them. */
  readonly members?: readonly number[]
}

/** Reads a file of a group by its name; undefined when it has none of that name. */
export type ReadGroupFile = (name: string) => string | undefined

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+\n?$/.test(text) ? Number(text) : undefined

/** `cpu.stat` of v2, `cpuacct.usage` of v1. */
const cpuOf = (read: ReadGroupFile): number | undefined => {
  const accounted = numberOf(read('cpuacct.usage'))
  if (accounted !== undefined) return accounted
  const microseconds = parseNumbers(read('cpu.stat') ?? '').get('usage_usec')
  return microseconds === undefined ? undefined : microseconds * 1000
}

/** Names in v2's memory.stat and in v1's, where those with `total_` count the groups below, too. */
const memoryNames = {
  v2: { rss: 'anon', inactive: 'inactive_file', faults: 'pgfault', majorFaults: 'pgmajfault' },
  v1: {
    ...{ rss: 'total_rss', inactive: 'total_inactive_file' },
    ...{ faults: 'total_pgfault', majorFaults: 'total_pgmajfault' },
  },
} as const

const memoryOf = (read: ReadGroupFile): MemoryUsage | undefined => {
  const current = numberOf(read('memory.current'))
  const usageBytes = current ?? numberOf(read('memory.usage_in_bytes'))
  if (usageBytes === undefined) return undefined
  const names = memoryNames[current === undefined ? 'v1' : 'v2']
  const stat = parseNumbers(read('memory.stat') ?? '')
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - (stat.get(names.inactive) ?? 0)),
    rssBytes: stat.get(names.rss) ?? 0,
    pageFaults: stat.get(names.faults) ?? 0,
    majorPageFaults: stat.get(names.majorFaults) ?? 0,
  }
}

const membersOf = (read: ReadGroupFile): readonly number[] | undefined =>
  read('cgroup.procs')?.split('\n').filter(Boolean).map(Number)

/** What the folders of one group tell together. Pure. */
export const groupUsage = (folders: readonly ReadGroupFile[]): GroupUsage => {
  const first = <T>(part: (read: ReadGroupFile) => T | undefined): T | undefined => {
    for (const read of folders) {
      const found = part(read)
      if (found !== undefined) return found
    }
    return undefined
  }
  const [cpuNanoseconds, memory, members] = [first(cpuOf), first(memoryOf), first(membersOf)]
  return {
    ...(cpuNanoseconds === undefined ? {} : { cpuNanoseconds }),
    ...(memory === undefined ? {} : { memory }),
    ...(members === undefined ? {} : { members }),
  }
}

/**
 * `folders`: one for each hierarchy that the group may be in. To ask whether a file is there costs a tenth of failing to open it,
 * and most are not.
 */
export const readGroupUsage = (folders: readonly string[]): GroupUsage =>
  groupUsage(
    folders
      .filter((folder) => existsSync(folder))
      .map((folder) => (name) => {
        const file = join(folder, name)
        return existsSync(file) ? readKernelFile(file) : undefined
      }),
  )
