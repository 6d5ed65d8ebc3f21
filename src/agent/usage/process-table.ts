/** All processes of one moment, by /proc: for what runs in no control group that would tell. */
import { listKernelFolder, readKernelFile } from './kernel-files.ts'
import type { Usage } from './usage.ts'

export interface ProcessRow {
  readonly pid: number
  readonly parent: number
  readonly session: number
  /** Its own, and that of its children that have ended and were waited for. */
  readonly cpuNanoseconds: number
  readonly pageFaults: number
  readonly majorPageFaults: number
}

/** Its pages in memory, and those of them that others may have, too: files and shared memory. */
export interface ResidentPages {
  readonly resident: number
  readonly shared: number
}

export interface ProcessTable {
  readonly rows: ReadonlyMap<number, ProcessRow>
  readonly childrenOf: ReadonlyMap<number, readonly ProcessRow[]>
  readonly ofSession: ReadonlyMap<number, readonly ProcessRow[]>
}

/** USER_HZ is 100 on every machine that Linux tells times of processes on. */
const tickNanoseconds = 10_000_000

/** The text of /proc/PID/stat (proc(5)); undefined for one that makes no sense. The name in it may hold anything. */
export const parseStat = (text: string): ProcessRow | undefined => {
  const pid = Number(text.slice(0, text.indexOf(' ')))
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [, parent, , session, , , , minor, childMinor, major, childMajor, user, system, childUser, childSystem] = fields
  if (!Number.isInteger(pid) || parent === undefined || session === undefined || childSystem === undefined)
    return undefined
  const ticks = (user ?? 0) + (system ?? 0) + (childUser ?? 0) + childSystem
  return {
    ...{ pid, parent, session, cpuNanoseconds: ticks * tickNanoseconds },
    pageFaults: (minor ?? 0) + (childMinor ?? 0),
    majorPageFaults: (major ?? 0) + (childMajor ?? 0),
  }
}

/** The text of /proc/PID/statm. */
export const parseStatm = (text: string): ResidentPages => {
  const [, resident = 0, shared = 0] = text.split(' ').map(Number)
  return { resident, shared }
}

export const tableOf = (all: readonly ProcessRow[]): ProcessTable => ({
  rows: new Map(all.map((row) => [row.pid, row])),
  childrenOf: Map.groupBy(all, ({ parent }) => parent),
  ofSession: Map.groupBy(all, ({ session }) => session),
})

/** What has ended meanwhile is left out. */
export const readProcessTable = (proc = '/proc'): ProcessTable =>
  tableOf(
    listKernelFolder(proc).flatMap((name) => {
      const text = /^\d/.test(name) ? readKernelFile(`${proc}/${name}/stat`) : undefined
      const row = text === undefined ? undefined : parseStat(text)
      return row ? [row] : []
    }),
  )

/**
 * All that came from a process, and all of its session, without itself: one whose parent has ended is still of the session it
 * was started in.
 */
export const familyIn = ({ childrenOf, ofSession }: ProcessTable, leader: number): readonly ProcessRow[] => {
  const found = new Map<number, ProcessRow>()
  const add = (rows: readonly ProcessRow[] = []): void => {
    for (const row of rows) {
      if (row.pid === leader || found.has(row.pid)) continue
      found.set(row.pid, row)
      add(childrenOf.get(row.pid))
    }
  }
  add(childrenOf.get(leader))
  add(ofSession.get(leader))
  return [...found.values()]
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

/**
 * What processes use together. Pages of files count once, as much as the one with most of them has: they are the same programs
 * and libraries, mostly.
 */
export const usageOf = (
  members: readonly ProcessRow[],
  pagesOf: (pid: number) => ResidentPages,
  pageBytes: number,
): Usage => {
  const pages = members.map(({ pid }) => pagesOf(pid))
  const own = sum(pages.map(({ resident, shared }) => resident - shared)) * pageBytes
  const all = own + pages.reduce((most, { shared }) => Math.max(most, shared), 0) * pageBytes
  return {
    cpuNanoseconds: sum(members.map(({ cpuNanoseconds }) => cpuNanoseconds)),
    memory: {
      ...{ usageBytes: all, workingSetBytes: all, rssBytes: own },
      pageFaults: sum(members.map(({ pageFaults }) => pageFaults)),
      majorPageFaults: sum(members.map(({ majorPageFaults }) => majorPageFaults)),
    },
    processes: members.length,
  }
}

export const readPages = (pid: number): ResidentPages => parseStatm(readKernelFile(`/proc/${pid}/statm`) ?? '')

/** Of the machine, from the text of /proc/self/smaps. */
export const parsePageBytes = (smaps: string): number =>
  Number(/^KernelPageSize:\s+(\d+) kB$/m.exec(smaps)?.[1] ?? 4) * 1024

export const readPageBytes = (): number => parsePageBytes(readKernelFile('/proc/self/smaps') ?? '')
