/** What a lab consists of, decided before anything is made: hosts, addresses, ports, folders. Pure. */
import { hash } from 'node:crypto'
import { basename, join } from 'node:path'

export type HostRole = 'control' | 'node' | 'client'

/** One "machine" of a lab: a set of namespaces on the lab's bridge. */
export interface LabHost {
  readonly name: string
  readonly role: HostRole
  readonly address: string
  /** Of the other IP family; only in a dual-stack lab. */
  readonly address6?: string
}

/** A port of a lab host that the machine outside reaches on its own 127.0.0.1. */
export interface Publication {
  /** On 127.0.0.1 of the machine; 0: any free one. */
  readonly hostPort: number
  readonly lab: { readonly host: string; readonly port: number }
}

export interface LabOptions {
  readonly name: string
  readonly nodes: number
  readonly publish: readonly Publication[]
  /** A node counts as silent after this many seconds without a heartbeat. */
  readonly nodeGraceSeconds: number
  /** Pods of a silent node are replaced after this many seconds. */
  readonly podEvictionSeconds: number
  /** Nodes, pods and Services have addresses of both IP families. */
  readonly dualStack: boolean
  /** What runs pods that do not ask for another. */
  readonly runtime: string
  /** From when on nodes evict pods, as an agent takes it: several nodes share one machine, whose disk may be full without them. */
  readonly evictionHard: string
  /** Out of which LoadBalancer Services and Gateways have addresses; missing: they have the nodes'. */
  readonly loadBalancerCidr?: string
}

export interface LabPlan extends LabOptions {
  readonly hosts: readonly LabHost[]
  /** The bridge's own address: where published ports come from. */
  readonly gateway: string
  readonly gateway6: string
  readonly prefixLength: number
}

export const controlHost = 'control'
export const clientHost = 'client'
export const apiPort = 6443
export const defaultLabName = 'lab'
export const maxNodes = 60
/** What a host keeps, in its own mount namespace: of a node the agent's `--data`. */
export const hostData = '/var/lib/podway'

const underlay = '172.30.0'
const underlay6 = 'fd00:30:'
const firstNode = 11

/** Addresses are the lab's own: it has a network of its own, so they clash with nothing outside. */
export const planLab = (options: LabOptions): LabPlan => {
  const host = (name: string, role: HostRole, number: number): LabHost => ({
    ...{ name, role, address: `${underlay}.${number}` },
    ...(options.dualStack ? { address6: `${underlay6}:${number}` } : {}),
  })
  return {
    ...options,
    gateway: `${underlay}.1`,
    gateway6: `${underlay6}:1`,
    prefixLength: 24,
    hosts: [
      host(controlHost, 'control', 2),
      ...Array.from({ length: options.nodes }, (_, at) => host(`node${at + 1}`, 'node', firstNode + at)),
      host(clientHost, 'client', 100),
    ],
  }
}

/** Networks of a dual-stack cluster, as options of control plane and agents. */
export const dualStackCidrs = { service: '10.96.0.0/16,fd00:96::/112', pod: '10.244.0.0/16,fd00:244::/48' } as const

/** `8080:80` (the first node) or `8080:node2:80`. Throws with what is wrong. */
export const parsePublication = (text: string): Publication => {
  const [hostPort, ...rest] = text.split(':')
  const port = rest.pop()
  const [host = 'node1', ...more] = rest
  const isPort = (value: string | undefined): boolean => /^\d{1,5}$/.test(value ?? '') && Number(value) < 65536
  if (!isPort(hostPort) || !isPort(port) || Number(port) === 0 || more.length > 0)
    throw new Error(`--publish ${text}: expected HOSTPORT:PORT (of node1) or HOSTPORT:NODE:PORT, such as 8080:80`)
  return { hostPort: Number(hostPort), lab: { host, port: Number(port) } }
}

/** A lab's name becomes part of paths and of cgroup names. */
export const checkLabName = (name: string): string => {
  if (!/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/.test(name))
    throw new Error(`a lab's name has lower-case letters, digits and dashes, 32 at most; not ${JSON.stringify(name)}`)
  return name
}

/** Where a lab keeps its files on the machine. All of them go with the lab. */
export interface LabPaths {
  readonly folder: string
  readonly state: string
  readonly plan: string
  readonly kubeconfig: string
  readonly logs: string
  /** Where the logs are kept after a start that failed. No lab's name holds a dot. */
  readonly failedLogs: string
  /** Unix sockets: to command the lab, and for each published port. */
  readonly command: string
  readonly socketOf: (host: string, port: number) => string
}

/** Longest path a unix socket can have on Linux. */
const socketPathLimit = 107

export const labPaths = (home: string, name: string): LabPaths => {
  const folder = join(home, 'labs', name)
  const socketOf = (host: string, port: number): string => join(folder, 's', `${host}-${port}`)
  const longest = socketOf('node60', 65535)
  if (longest.length > socketPathLimit)
    throw new Error(`${folder} is too long a path for unix sockets: set PODWAY_HOME to a shorter one`)
  return {
    folder,
    state: join(folder, 'state.json'),
    plan: join(folder, 'plan.json'),
    kubeconfig: join(folder, 'kubeconfig'),
    logs: join(folder, 'log'),
    failedLogs: `${folder}.failed`,
    command: join(folder, 's', 'command'),
    socketOf,
  }
}

/**
 * What the names of a lab's control groups start with. Labs of one name in two homes are two, and no lab's name holds a dot, so
 * no lab takes another's for its own.
 */
export const cgroupPrefix = ({ folder }: Pick<LabPaths, 'folder'>): string =>
  `podway-lab-${basename(folder)}-${hash('sha256', folder).slice(0, 8)}.`
export const cgroupParent = (paths: Pick<LabPaths, 'folder'>, host: string): string => `${cgroupPrefix(paths)}${host}`
