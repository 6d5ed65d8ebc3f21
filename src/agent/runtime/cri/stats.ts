/** From what a container runtime has measured to what containers use. Pure. */
import type { Usage } from '../../usage/usage.ts'
import type { ContainerStats } from './messages.ts'

const count = (found: { readonly value: string } | null | undefined): number | undefined =>
  found ? Number(found.value) : undefined

/** `processes` are not counted by CRI. Undefined for one that is not measured yet. Older runtimes tell of the memory only how much of it works. */
export const usageOf = ({ cpu, memory }: ContainerStats, processes: number): Usage | undefined => {
  const cpuNanoseconds = count(cpu?.usageCoreNanoSeconds)
  const workingSetBytes = count(memory?.workingSetBytes)
  if (cpuNanoseconds === undefined || workingSetBytes === undefined) return undefined
  return {
    cpuNanoseconds,
    memory: {
      workingSetBytes,
      usageBytes: count(memory?.usageBytes) ?? workingSetBytes,
      rssBytes: count(memory?.rssBytes) ?? workingSetBytes,
      pageFaults: count(memory?.pageFaults) ?? 0,
      majorPageFaults: count(memory?.majorPageFaults) ?? 0,
    },
    processes,
  }
}
