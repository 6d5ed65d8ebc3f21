/** `/stats/summary` as the kubelet gives it (stats/v1alpha1). Pure. */
import { formatTime } from '../../api/clock.ts'
import type { FilesystemUsage, InterfaceCounters } from '../usage/usage.ts'
import type { MeasuredContainerOfPod, MeasuredPod } from './measured-pods.ts'
import type { Measured, Sample } from './sampler.ts'

/** What is only looked at for those who want more than CPU and memory. */
export interface DiskUsage {
  /** The node's disk: logs and volumes are on it. */
  readonly node: FilesystemUsage | undefined
  /** What a pod's root takes, by its uid: containers of it share it, or have one each and are told together. */
  readonly roots: ReadonlyMap<string, FilesystemUsage>
  /** By container id. */
  readonly logBytes: ReadonlyMap<string, number>
  /** Of a pod, by its uid. */
  readonly volumes: ReadonlyMap<string, readonly VolumeUsage[]>
}

export interface VolumeUsage {
  readonly name: string
  readonly usedBytes: number
  readonly inodesUsed: number
  /** The PersistentVolumeClaim that it is. */
  readonly claim?: string
}

export interface SummaryInput {
  readonly nodeName: string
  readonly sample: Sample
  readonly pods: readonly MeasuredPod[]
  readonly memoryBytes: number
  /** Milliseconds since 1970. */
  readonly bootedAt: number
  /** The agent itself. */
  readonly agent: { readonly usage: Measured; readonly startedAt: number }
  readonly maxPids: number
  /** Missing: only CPU and memory are asked for. */
  readonly disk?: DiskUsage
}

/** `windowSeconds` is our own: what the mean was taken over. */
const cpuOf = (time: string, { cpuNanoseconds, rate }: Measured) => ({
  ...{ time, usageCoreNanoSeconds: cpuNanoseconds },
  ...(rate ? { usageNanoCores: rate.nanoCores, windowSeconds: rate.windowSeconds } : {}),
})

const memoryOf = (time: string, { memory }: Measured, totalBytes?: number) => ({
  time,
  ...(totalBytes === undefined ? {} : { availableBytes: Math.max(0, totalBytes - memory.workingSetBytes) }),
  ...memory,
})

const interfaceOf = ({ name, rxBytes, rxErrors, txBytes, txErrors }: InterfaceCounters) => ({
  ...{ name, rxBytes, rxErrors, txBytes, txErrors },
})

/** The first interface is the main one. */
const networkOf = (time: string, interfaces: readonly InterfaceCounters[], main = interfaces[0]) =>
  main ? { network: { time, ...interfaceOf(main), interfaces: interfaces.map(interfaceOf) } } : {}

const filesystemOf = (time: string, { inodes, inodesFree, ...bytes }: FilesystemUsage) => ({
  ...{ time, ...bytes, inodes, inodesFree },
  inodesUsed: inodes - inodesFree,
})

/** What is used of it is not the whole filesystem's. */
const partOf = (time: string, filesystem: FilesystemUsage | undefined, used: object) => ({
  ...{ time, ...(filesystem ? filesystemOf(time, filesystem) : {}) },
  inodesUsed: undefined,
  ...used,
})

const containerOf = (
  time: string,
  { name, record, usage, memoryLimitBytes }: MeasuredContainerOfPod,
  uid: string,
  disk: DiskUsage | undefined,
) => ({
  name,
  startTime: formatTime(record.startedAt),
  cpu: cpuOf(time, usage),
  memory: memoryOf(time, usage, memoryLimitBytes),
  ...(disk
    ? {
        rootfs: filesystemIfKnown(time, disk.roots.get(uid)),
        logs: partOf(time, disk.node, { usedBytes: disk.logBytes.get(record.id) ?? 0 }),
      }
    : {}),
})

const filesystemIfKnown = (time: string, filesystem: FilesystemUsage | undefined) =>
  filesystem && filesystemOf(time, filesystem)

const volumesOf = (time: string, { node, volumes }: DiskUsage, uid: string, namespace: string) =>
  (volumes.get(uid) ?? []).map(({ name, claim, ...used }) => ({
    ...partOf(time, node, used),
    name,
    ...(claim === undefined ? {} : { pvcRef: { name: claim, namespace } }),
  }))

const podOf = (
  time: string,
  { sandbox, pod, containers, usage, network }: MeasuredPod,
  disk: DiskUsage | undefined,
) => {
  const { id: uid, name, namespace } = sandbox
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)
  const logs = sum(containers.map(({ record }) => disk?.logBytes.get(record.id) ?? 0))
  const volumes = disk?.volumes.get(uid) ?? []
  const usedBytes = logs + sum(volumes.map((volume) => volume.usedBytes))
  return {
    podRef: { name, namespace, uid },
    ...(pod?.status?.startTime === undefined ? {} : { startTime: pod.status.startTime }),
    containers: containers.map((container) => containerOf(time, container, uid, disk)),
    cpu: cpuOf(time, usage),
    memory: memoryOf(time, usage),
    ...(disk
      ? {
          ...networkOf(time, network),
          volume: volumesOf(time, disk, uid, namespace),
          'ephemeral-storage': partOf(time, disk.node, { usedBytes }),
          process_stats: { process_count: usage.processes },
        }
      : {}),
  }
}

export const summaryOf = (input: SummaryInput): object => {
  const { nodeName, sample, pods, memoryBytes, bootedAt, agent, maxPids, disk } = input
  const time = formatTime(sample.at)
  return {
    node: {
      nodeName,
      // Named as dashboards know it.
      systemContainers: [
        {
          name: 'kubelet',
          startTime: formatTime(agent.startedAt),
          cpu: cpuOf(time, agent.usage),
          memory: memoryOf(time, agent.usage),
        },
      ],
      startTime: formatTime(bootedAt),
      cpu: cpuOf(time, sample.machine),
      memory: memoryOf(time, sample.machine, memoryBytes),
      ...(disk
        ? {
            ...networkOf(time, sample.network),
            fs: filesystemIfKnown(time, disk.node),
            runtime: { imageFs: filesystemIfKnown(time, disk.node) },
            rlimit: { time, maxpid: maxPids, curproc: sample.machine.processes },
          }
        : {}),
    },
    pods: pods.map((pod) => podOf(time, pod, disk)),
  }
}
