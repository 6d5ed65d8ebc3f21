/** `/metrics/cadvisor`: what dashboards of Kubernetes are made of, under the names and labels they know. Pure. */
import { quantityMilli, quantityValue } from '../../api/quantity.ts'
import type { InterfaceCounters } from '../usage/usage.ts'
import type { Family, Labels, Series } from './exposition.ts'
import type { MeasuredContainerOfPod, MeasuredPod } from './measured-pods.ts'
import type { Measured, Sample } from './sampler.ts'

export interface Machine {
  readonly cpus: number
  readonly memoryBytes: number
  readonly kernelVersion: string
  readonly osVersion: string
  readonly agentVersion: string
  /** Milliseconds since 1970. */
  readonly bootedAt: number
}

/** One line of each family about usage. */
interface Subject {
  readonly labels: Labels
  readonly usage: Measured
  readonly startedAt: number
  readonly container?: MeasuredContainerOfPod
}

const podId = (uid: string): string => `/kubepods/pod${uid}`

/** The node, the pods, their containers: told apart by labels that are empty. */
const subjectsOf = (sample: Sample, pods: readonly MeasuredPod[], { bootedAt }: Machine): readonly Subject[] => [
  {
    labels: { container: '', id: '/', image: '', name: '', namespace: '', pod: '' },
    ...{ usage: sample.machine, startedAt: bootedAt },
  },
  ...pods.flatMap(({ sandbox, pod, containers, usage }): readonly Subject[] => {
    const { id: uid, namespace, name } = sandbox
    const labels = { container: '', id: podId(uid), image: '', name: '', namespace, pod: name }
    const startedAt = Math.min(
      ...containers.map(({ record }) => record.startedAt),
      Date.parse(pod?.status?.startTime ?? '') || sample.at,
    )
    return [
      { labels, usage, startedAt },
      ...containers.map((container) => ({
        labels: {
          ...{ container: container.name, id: `${podId(uid)}/${container.record.id}` },
          ...{ image: container.spec?.image ?? '', name: container.record.id, namespace, pod: name },
        },
        ...{ usage: container.usage, startedAt: container.record.startedAt, container },
      })),
    ]
  }),
]

const cpuPeriodUs = 100_000

/** Limits that a container does not have are left out. */
const specFamilies = (subjects: readonly Subject[], at: number): readonly Family[] => {
  const series = (value: (container: MeasuredContainerOfPod) => number | undefined): readonly Series[] =>
    subjects.flatMap(({ labels, container }) => {
      const found = container && value(container)
      return found === undefined ? [] : [{ labels, value: found, at }]
    })
  const gauge = (
    name: string,
    help: string,
    value: (container: MeasuredContainerOfPod) => number | undefined,
  ): Family => ({ name, help, type: 'gauge', series: series(value) })
  const cpuLimit = ({ spec }: MeasuredContainerOfPod): number | undefined => {
    const limit = spec?.resources?.limits?.['cpu']
    return limit === undefined ? undefined : quantityMilli(limit)
  }
  const memory =
    (kind: 'limits' | 'requests') =>
    ({ spec }: MeasuredContainerOfPod): number =>
      quantityValue(spec?.resources?.[kind]?.['memory'])
  return [
    gauge('container_spec_cpu_period', 'CPU period of the container, in microseconds', () => cpuPeriodUs),
    gauge('container_spec_cpu_quota', 'CPU quota of the container, in microseconds a period', (each) => {
      const milli = cpuLimit(each)
      return milli === undefined ? undefined : (milli * cpuPeriodUs) / 1000
    }),
    gauge('container_spec_cpu_shares', 'CPU share of the container', ({ spec }) =>
      Math.max(2, Math.floor((quantityMilli(spec?.resources?.requests?.['cpu']) * 1024) / 1000)),
    ),
    gauge('container_spec_memory_limit_bytes', 'Memory limit of the container, 0 for none', memory('limits')),
    gauge(
      'container_spec_memory_reservation_limit_bytes',
      'Memory that the container asks for, 0 for none',
      memory('requests'),
    ),
  ]
}

const usageFamilies = (subjects: readonly Subject[], at: number): readonly Family[] => {
  const family = (
    type: Family['type'],
    name: string,
    help: string,
    value: (subject: Subject) => number,
    more: Labels = {},
  ): Family => ({
    ...{ name, help, type },
    series: subjects.map((subject) => ({ labels: { ...subject.labels, ...more }, value: value(subject), at })),
  })
  const gauge = (name: string, help: string, value: (subject: Subject) => number): Family =>
    family('gauge', name, help, value)
  const faults = (
    [
      ['pgfault', (subject: Subject) => subject.usage.memory.pageFaults],
      ['pgmajfault', (subject: Subject) => subject.usage.memory.majorPageFaults],
    ] as const
  ).flatMap(([failure_type, value]) =>
    subjects.map((subject) => ({
      labels: { ...subject.labels, failure_type, scope: 'container' },
      ...{ value: value(subject), at },
    })),
  )
  return [
    family(
      'counter',
      'container_cpu_usage_seconds_total',
      'CPU time used, in seconds',
      ({ usage }) => usage.cpuNanoseconds / 1e9,
      { cpu: 'total' },
    ),
    gauge(
      'container_memory_usage_bytes',
      'Memory in use, pages of files included',
      ({ usage }) => usage.memory.usageBytes,
    ),
    gauge(
      'container_memory_working_set_bytes',
      'Memory in use that cannot be had back at once',
      ({ usage }) => usage.memory.workingSetBytes,
    ),
    gauge('container_memory_rss', 'Memory of its own, without pages of files', ({ usage }) => usage.memory.rssBytes),
    {
      ...{ name: 'container_memory_failures_total', type: 'counter', series: faults },
      help: 'Page faults',
    },
    gauge('container_processes', 'Processes', ({ usage }) => usage.processes),
    gauge('container_start_time_seconds', 'When it started, in seconds since 1970', ({ startedAt }) =>
      Math.floor(startedAt / 1000),
    ),
    gauge('container_last_seen', 'When it was last seen, in seconds since 1970', () => Math.floor(at / 1000)),
  ]
}

const directions = [
  ['receive_bytes', 'Bytes received', ({ rxBytes }: InterfaceCounters) => rxBytes],
  ['receive_packets', 'Packets received', ({ rxPackets }: InterfaceCounters) => rxPackets],
  ['receive_errors', 'Errors while receiving', ({ rxErrors }: InterfaceCounters) => rxErrors],
  ['receive_packets_dropped', 'Packets dropped while receiving', ({ rxDropped }: InterfaceCounters) => rxDropped],
  ['transmit_bytes', 'Bytes sent', ({ txBytes }: InterfaceCounters) => txBytes],
  ['transmit_packets', 'Packets sent', ({ txPackets }: InterfaceCounters) => txPackets],
  ['transmit_errors', 'Errors while sending', ({ txErrors }: InterfaceCounters) => txErrors],
  ['transmit_packets_dropped', 'Packets dropped while sending', ({ txDropped }: InterfaceCounters) => txDropped],
] as const

/** Of pods with a network of their own, and of the node. */
const networkFamilies = (sample: Sample, pods: readonly MeasuredPod[]): readonly Family[] => {
  const { at, network } = sample
  const places = [
    { labels: { id: '/', image: '', name: '', namespace: '', pod: '' }, interfaces: network },
    ...pods.map(({ sandbox, network: interfaces }) => ({
      labels: { id: podId(sandbox.id), image: '', name: '', namespace: sandbox.namespace, pod: sandbox.name },
      interfaces,
    })),
  ]
  return directions.map(([what, help, value]) => ({
    ...{ name: `container_network_${what}_total`, help, type: 'counter' },
    series: places.flatMap(({ labels, interfaces }) =>
      interfaces.map((each) => ({ labels: { ...labels, interface: each.name }, value: value(each), at })),
    ),
  }))
}

const machineFamilies = (machine: Machine): readonly Family[] => {
  const { cpus, memoryBytes, kernelVersion, osVersion, agentVersion } = machine
  const gauge = (name: string, help: string, value: number, labels: Labels = {}): Family => ({
    ...{ name, help, type: 'gauge', series: [{ labels, value }] },
  })
  return [
    gauge('machine_cpu_cores', 'CPUs of the machine', cpus),
    gauge('machine_memory_bytes', 'Memory of the machine', memoryBytes),
    gauge('cadvisor_version_info', 'Versions of kernel, operating system and agent', 1, {
      ...{ cadvisorVersion: '', dockerVersion: '', kernelVersion, osVersion, podwayVersion: agentVersion },
    }),
    gauge('container_scrape_error', '1 if there was an error while reading, 0 otherwise', 0),
  ]
}

export const cadvisorMetrics = (sample: Sample, pods: readonly MeasuredPod[], machine: Machine): readonly Family[] => {
  const subjects = subjectsOf(sample, pods, machine)
  return [
    ...usageFamilies(subjects, sample.at),
    ...specFamilies(subjects, sample.at),
    ...networkFamilies(sample, pods),
    ...machineFamilies(machine),
  ]
}
