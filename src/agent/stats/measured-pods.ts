/** The pods of a sample, put together with what the API says of them. Pure. */
import { quantityValue } from '../../api/quantity.ts'
import type { Container, Pod } from '../../api/types/index.ts'
import type { ContainerRecord } from '../runtime/containers.ts'
import type { SandboxRecord } from '../runtime/sandboxes.ts'
import type { InterfaceCounters, MemoryUsage } from '../usage/usage.ts'
import type { Measured, Sample } from './sampler.ts'

export interface MeasuredContainerOfPod {
  readonly name: string
  readonly record: ContainerRecord
  readonly spec: Container | undefined
  readonly usage: Measured
  /** Undefined for one that has no limit. */
  readonly memoryLimitBytes: number | undefined
}

export interface MeasuredPod {
  readonly sandbox: SandboxRecord
  readonly pod: Pod | undefined
  readonly containers: readonly MeasuredContainerOfPod[]
  /** Of all containers together. */
  readonly usage: Measured
  readonly network: readonly InterfaceCounters[]
}

const none: Measured = {
  ...{ cpuNanoseconds: 0, processes: 0, rate: { nanoCores: 0, windowSeconds: 1 } },
  memory: { usageBytes: 0, workingSetBytes: 0, rssBytes: 0, pageFaults: 0, majorPageFaults: 0 },
}

const addMemory = (a: MemoryUsage, b: MemoryUsage): MemoryUsage => ({
  usageBytes: a.usageBytes + b.usageBytes,
  workingSetBytes: a.workingSetBytes + b.workingSetBytes,
  rssBytes: a.rssBytes + b.rssBytes,
  pageFaults: a.pageFaults + b.pageFaults,
  majorPageFaults: a.majorPageFaults + b.majorPageFaults,
})

/** A rate of all is known when that of each is. */
const addUsage = (a: Measured, b: Measured): Measured => ({
  cpuNanoseconds: a.cpuNanoseconds + b.cpuNanoseconds,
  memory: addMemory(a.memory, b.memory),
  processes: a.processes + b.processes,
  ...(a.rate && b.rate
    ? {
        rate: {
          nanoCores: a.rate.nanoCores + b.rate.nanoCores,
          windowSeconds: Math.max(a.rate.windowSeconds, b.rate.windowSeconds),
        },
      }
    : {}),
})

const totalUsage = (all: readonly Measured[]): Measured => all.reduce(addUsage, none)

const containersOf = (
  { containers }: SandboxRecord,
  pod: Pod | undefined,
  sample: Sample,
): readonly MeasuredContainerOfPod[] => {
  const { initContainers = [], containers: main = [], ephemeralContainers = [] } = pod?.spec ?? {}
  const specs = [initContainers, main, ephemeralContainers].flat()
  return containers.flatMap((record) => {
    const usage = record.exit ? undefined : sample.containers.get(record.id)
    if (!usage) return []
    const spec = specs.find(({ name }) => name === record.name)
    const limit = spec?.resources?.limits?.['memory']
    const memoryLimitBytes = limit === undefined ? undefined : quantityValue(limit)
    return [{ name: record.name, record, spec, usage, memoryLimitBytes }]
  })
}

/** Those that run, in the order of their names. */
export const measuredPods = (
  sandboxes: readonly SandboxRecord[],
  podOf: (uid: string) => Pod | undefined,
  sample: Sample,
): readonly MeasuredPod[] =>
  sandboxes
    .filter(({ running }) => running)
    .toSorted((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1))
    .map((sandbox) => {
      const pod = podOf(sandbox.id)
      const containers = containersOf(sandbox, pod, sample)
      const usage = totalUsage(containers.map((each) => each.usage))
      return { sandbox, pod, containers, usage, network: sample.networks.get(sandbox.id) ?? [] }
    })
