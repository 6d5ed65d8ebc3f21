/** What the whole machine uses, in the kubelet's terms. */
import { parseNumbers, readKernelFile } from './kernel-files.ts'
import type { Usage } from './usage.ts'

export interface MachineFiles {
  readonly stat: string
  readonly meminfo: string
  readonly vmstat: string
  readonly loadavg: string
}

const tickNanoseconds = 10_000_000

/** The first line of /proc/stat: all but idling and waiting for disks. Time of guests is in that of users. */
const busyTicks = (stat: string): number => {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (/^cpu\s+(.*)$/m.exec(stat)?.[1] ?? '')
    .split(' ')
    .map(Number)
  return user + nice + system + irq + softirq + steal
}

/** Pure. */
export const machineUsage = ({ stat, meminfo, vmstat, loadavg }: MachineFiles): Usage => {
  const memory = parseNumbers(meminfo)
  const events = parseNumbers(vmstat)
  const bytesOf = (name: string): number => (memory.get(name) ?? 0) * 1024
  const usageBytes = bytesOf('MemTotal') - bytesOf('MemFree')
  return {
    cpuNanoseconds: busyTicks(stat) * tickNanoseconds,
    memory: {
      usageBytes,
      workingSetBytes: Math.max(0, usageBytes - bytesOf('Inactive(file)')),
      rssBytes: bytesOf('AnonPages'),
      pageFaults: events.get('pgfault') ?? 0,
      majorPageFaults: events.get('pgmajfault') ?? 0,
    },
    processes: Number(/\/(\d+)/.exec(loadavg)?.[1] ?? 0),
  }
}

export const readMachine = (): Usage => {
  const read = (name: string): string => readKernelFile(`/proc/${name}`) ?? ''
  return machineUsage({
    ...{ stat: read('stat'), meminfo: read('meminfo'), vmstat: read('vmstat'), loadavg: read('loadavg') },
  })
}

/** The most processes and threads that the machine can have at once; 0 where it does not tell. */
export const readMaxPids = (): number => {
  const limits = ['pid_max', 'threads-max'].map((name) => Number(readKernelFile(`/proc/sys/kernel/${name}`) ?? 0))
  return Math.min(...limits)
}

/** This process. Its pages are told apart no further. */
export const readAgent = (): Usage => {
  const { user, system } = process.cpuUsage()
  const { minorPageFault, majorPageFault } = process.resourceUsage()
  const bytes = process.memoryUsage.rss()
  return {
    cpuNanoseconds: (user + system) * 1000,
    memory: {
      ...{ usageBytes: bytes, workingSetBytes: bytes, rssBytes: bytes },
      ...{ pageFaults: minorPageFault, majorPageFaults: majorPageFault },
    },
    processes: 1,
  }
}
