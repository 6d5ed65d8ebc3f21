/** Ports of the node that lead to its pods: what was wished for, read into what a rule is made of. Pure. */
import { isLoopback, isSameHostPort } from '../api/host-ports.ts'
import type { ServedPort } from '../api/served-ports.ts'
import { destinationWord, hostWord } from '../host/netfilter/address-words.ts'
import { type Argument, argument, isPort, type Rule, type RuleProtocol, rule, toPorts } from '../host/netfilter/rule.ts'
import { type IpAddress, type IpFamily, parseAddress } from '../ip/address.ts'
import { cidrsIn, contains } from '../ip/cidr.ts'

/** A port of the node that leads to a pod, as whoever runs the pod says it. */
export interface HostPortMapping {
  readonly hostPort: number
  /**
   * Empty for every address of the node but loopback, where its own services listen; `0.0.0.0` or `::` for those of one
   * family.
   */
  readonly hostIP: string
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  /** One of the pod's addresses; a pod of two families has two mappings. */
  readonly podIP: string
  readonly containerPort: number
}

/** A host port of one family. */
export interface HostPort {
  readonly hostPort: number
  /** Missing: every address of the node but loopback. */
  readonly hostIP?: IpAddress
  readonly protocol: RuleProtocol
  readonly podIP: IpAddress
  readonly containerPort: number
}

const anywhere: Readonly<Record<IpFamily, string>> = { IPv4: '0.0.0.0', IPv6: '::' }

const protocols: ReadonlyMap<string, RuleProtocol> = new Map([
  ['TCP', 'tcp'],
  ['UDP', 'udp'],
  ['SCTP', 'sctp'],
])

const isTakenBy = (
  hostIP: string,
  { hostPort, protocol }: HostPortMapping,
  { ip = '', ...served }: ServedPort,
): boolean =>
  isLoopback(hostIP) || isLoopback(ip)
    ? served.port === hostPort && served.protocol === protocol && (ip === '' || ip === hostIP)
    : isSameHostPort({ ip: hostIP, port: hostPort, protocol }, { ip, ...served })

/** A mapping as a host port of its pod's family; undefined when it is for the other family; text: why it cannot be. */
const readMapping = (
  mapping: HostPortMapping,
  { podCIDRs, servedPorts = [] }: HostPortContext,
): HostPort | undefined | string => {
  const { hostPort, hostIP, protocol, podIP, containerPort } = mapping
  const known = protocols.get(protocol)
  if (!known) return `unknown protocol ${JSON.stringify(protocol)}`
  if (!isPort(hostPort) || !isPort(containerPort)) return 'invalid port'
  const pod = parseAddress(podIP)
  if (!pod) return `invalid pod IP ${JSON.stringify(podIP)}`
  if (!cidrsIn(podCIDRs, pod.family).some((range) => contains(range, pod)))
    return `pod IP ${pod.text} is not in the podCIDRs of this node`
  const host = hostIP === '' ? undefined : parseAddress(hostIP)
  if (hostIP !== '' && !host) return `invalid hostIP ${JSON.stringify(hostIP)}`
  if (host && host.family !== pod.family) return undefined
  if (servedPorts.some((served) => isTakenBy(host?.text ?? '', mapping, served)))
    return 'the node itself serves this port'
  const port = { hostPort, protocol: known, podIP: pod, containerPort }
  return host === undefined || host.text === anywhere[host.family] ? port : { ...port, hostIP: host }
}

export interface HostPorts {
  readonly ports: Readonly<Record<IpFamily, readonly HostPort[]>>
  /** What was left out, and why. */
  readonly problems: readonly string[]
}

const nameOf = ({ hostPort, protocol, hostIP }: HostPortMapping): string =>
  JSON.stringify({ hostPort, protocol, ...(hostIP === '' ? {} : { hostIP }) }).slice(0, 200)

/** What host ports depend on besides pods. */
export interface HostPortContext {
  /** Of this node. */
  readonly podCIDRs: readonly string[]
  /** What the node serves itself. */
  readonly servedPorts?: readonly ServedPort[]
}

/** The host ports of one pod. One that cannot be is left out and told; the others stand. */
export const readHostPorts = (mappings: readonly HostPortMapping[], context: HostPortContext): HostPorts => {
  const ports: Record<IpFamily, HostPort[]> = { IPv4: [], IPv6: [] }
  const problems = new Set<string>()
  /** For each wish: whether one of the pod's addresses took it up. */
  const isTaken = new Map<string, boolean>()
  for (const mapping of mappings) {
    const name = nameOf(mapping)
    const read = readMapping(mapping, context)
    if (typeof read === 'string') problems.add(`host port ${name}: ${read}`)
    else if (read) ports[read.podIP.family].push(read)
    isTaken.set(name, isTaken.get(name) === true || read !== undefined)
  }
  for (const [name, taken] of isTaken)
    if (!taken) problems.add(`host port ${name}: the pod has no address of the family of its hostIP`)
  return { ports, problems: [...problems] }
}

export const loopback: Readonly<Record<IpFamily, Argument>> = {
  IPv4: argument('127.0.0.0/8'),
  IPv6: argument('::1/128'),
}

export const hostPortRule = ({ hostIP, protocol, hostPort, podIP, containerPort }: HostPort): Rule => {
  const match = toPorts(protocol, hostPort)
  const to = hostIP === undefined ? rule`! -d ${loopback[podIP.family]}` : rule`-d ${hostWord(hostIP)}`
  const verdict = rule`-j DNAT --to-destination ${destinationWord(podIP, containerPort)}`
  return rule`${to} ${match} ${verdict}`
}
