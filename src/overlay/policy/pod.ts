/** Pods, cut down to what network policies ask of them. */
import { mirrorAnnotation } from '../../api/pods.ts'
import type { Pod, Protocol, StringMap } from '../../api/types/index.ts'
import { isPort } from '../../host/netfilter/rule.ts'

export interface NamedPort {
  readonly name: string
  readonly protocol: Protocol
  readonly port: number
}

export interface PolicyPod {
  readonly namespace: string
  readonly uid: string
  readonly node: string
  readonly labels: StringMap
  /** None while it has none, when it is over, and on its host's network: policies do not apply there. */
  readonly addresses: readonly string[]
  readonly ports: readonly NamedPort[]
}

const protocols: ReadonlySet<string> = new Set<Protocol>(['TCP', 'UDP', 'SCTP'])
const noPorts: readonly NamedPort[] = []
const noLabels: StringMap = {}

const namedPorts = ({ spec }: Pod): readonly NamedPort[] => {
  const found = [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ ports = [] }) =>
    ports.flatMap(({ name, protocol = 'TCP', containerPort }) =>
      name && protocols.has(protocol) && isPort(containerPort) ? [{ name, protocol, port: containerPort }] : [],
    ),
  )
  return found.length > 0 ? found : noPorts
}

export const toPolicyPod = (pod: Pod): PolicyPod => {
  const { metadata, spec, status } = pod
  const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed'
  return {
    namespace: metadata.namespace ?? '',
    // Of a pod that its node runs by itself, by which the node knows it.
    uid: metadata.annotations?.[mirrorAnnotation] ?? metadata.uid ?? '',
    node: spec.nodeName ?? '',
    labels: metadata.labels ?? noLabels,
    addresses: spec.hostNetwork || isOver ? [] : (status?.podIPs?.map(({ ip }) => ip) ?? []),
    ports: namedPorts(pod),
  }
}
