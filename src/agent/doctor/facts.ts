/** What a machine is like, as far as the pod network hangs on it: read, and nothing changed. */
import { readdir, readFile } from 'node:fs/promises'
import { type CommandRunner, isCommandMissing } from '../../host/command.ts'
import { createIproute } from '../../host/iproute.ts'
import { detectBackend } from '../../host/netfilter/backend.ts'
import { createNetfilter } from '../../host/netfilter/netfilter.ts'
import { parseSave, type SavedChain } from '../../host/netfilter/tables.ts'
import { readSysctl } from '../../host/sysctl.ts'
import { answersTcp } from '../../host/tcp-probe.ts'
import type { NamedRange, Surroundings } from '../../ipam/overlap.ts'
import {
  isOwnDevice,
  showForeignRoutes,
  showForwarding,
  showLinks,
  showNeighbours,
  showRoutes,
} from '../../overlay/kernel-view.ts'
import { vxlanDevice } from '../../overlay/vxlan.ts'
import { readResolvConf } from '../host-resolv-conf.ts'
import { readNodeFacts } from '../runtime/oci/node-facts.ts'
import { findProgram, NoProgram } from '../runtime/oci/program.ts'
import { type PodLinkFacts, readPodLinks } from './pod-links.ts'

/** The way to another node. `undefined`: it could not be tried. */
export interface PeerFacts {
  readonly address: string
  /** Its end of the tunnel. */
  readonly tunnelAddress: string
  /** Whether it takes TCP connections at its own address, and through the tunnel. */
  readonly answersDirectly: boolean
  readonly answersInTunnel: boolean
  /** Whether a packet as large as the tunnel's MTU gets there. */
  readonly takesLargePackets: boolean | undefined
}

export interface MachineFacts {
  /** By check, why it could not be looked at. What is told of it beside is nothing that was seen. */
  readonly unreadable: Readonly<Record<string, string>>
  readonly ipForward: string | undefined
  /** By device, those that are strict. */
  readonly strictReversePath: readonly string[]
  readonly bridgeCallsIptables: string | undefined
  readonly ruleStoresMixed: boolean
  /** Table filter, chain FORWARD. */
  readonly forward: SavedChain | undefined
  readonly hasFirewalld: boolean
  /** `on` or `off` for the tunnel's device; undefined where nobody can tell. */
  readonly checksumOffload: string | undefined
  readonly mtu: { readonly tunnel: number | undefined; readonly underlay: number | undefined }
  /** Seconds by which another node's clock is ahead of ours; negative when it is behind. */
  readonly clockAheadSeconds: number | undefined
  readonly ranges: readonly NamedRange[]
  readonly surroundings: Surroundings
  readonly clusterDns: string
  /** Of the agent's own resolv.conf, before anything is done about stubs. */
  readonly nameservers: readonly string[]
  readonly connections: { readonly count: number; readonly max: number } | undefined
  readonly peers: readonly PeerFacts[]
  /** Undefined when there is no bridge for pods. */
  readonly podLinks: readonly PodLinkFacts[] | undefined
  /** The program that runs containers of images; undefined when there is none. */
  readonly ociProgram: string | undefined
}

export interface FactsOptions {
  readonly runner: CommandRunner
  readonly ranges: readonly NamedRange[]
  readonly resolvers: readonly string[]
  readonly clusterDns: string
  readonly agentPort: number
  /** Text: why nobody could tell. */
  readonly clockAheadSeconds: number | string | undefined
  /** The agent's. */
  readonly stateDir: string
}

/** IP and ICMP headers. */
const pingOverhead = 28

const takesLarge = async (runner: CommandRunner, address: string, mtu: number): Promise<boolean | undefined> => {
  try {
    await runner.run('ping', ['-M', 'do', '-c', '1', '-W', '1', '-s', String(mtu - pingOverhead), address])
    return true
  } catch (error) {
    return isCommandMissing(error) ? undefined : false
  }
}

const readPeers = async (
  { runner, agentPort }: FactsOptions,
  mtu: number | undefined,
): Promise<readonly PeerFacts[]> => {
  if (mtu === undefined) return []
  const iproute = createIproute(runner)
  const forwarding = await showForwarding(iproute, vxlanDevice)
  const neighbours = await showNeighbours(iproute, '-4', vxlanDevice)
  const byMac = new Map(forwarding.map(({ mac, node }) => [mac, node]))
  const ends = neighbours.flatMap(({ address: tunnelAddress, mac }) => {
    const address = byMac.get(mac)
    return address === undefined ? [] : [{ address, tunnelAddress }]
  })
  return Promise.all(
    ends.map(async ({ address, tunnelAddress }) => ({
      ...{ address, tunnelAddress },
      answersDirectly: await answersTcp(address, agentPort),
      answersInTunnel: await answersTcp(tunnelAddress, agentPort),
      takesLargePackets: await takesLarge(runner, tunnelAddress, mtu),
    })),
  )
}

/** By file: the names of devices hold dots, as sysctl's do between their parts. */
const readStrict = async (): Promise<readonly string[]> => {
  const devices = await readdir('/proc/sys/net/ipv4/conf').catch(() => [])
  const ofAll = Number((await readSysctl('net.ipv4.conf.all.rp_filter')) ?? '0')
  const found: string[] = []
  for (const device of devices) {
    if (!isOwnDevice(device)) continue
    const text = await readFile(`/proc/sys/net/ipv4/conf/${device}/rp_filter`, 'utf8').catch(() => '0')
    // The stricter of the two is in force, and 2 (loose) is more than 1 (strict).
    if (Math.max(ofAll, Number(text)) === 1) found.push(device)
  }
  return found
}

const readOffload = async (runner: CommandRunner): Promise<string | undefined> => {
  const text = await runner.run('ethtool', ['-k', vxlanDevice]).catch(() => '')
  return /tx-checksum-ip-generic: (on|off)/.exec(text)?.[1]
}

const readConnections = async (): Promise<MachineFacts['connections']> => {
  const count = await readSysctl('net.netfilter.nf_conntrack_count')
  const max = await readSysctl('net.netfilter.nf_conntrack_max')
  return count === undefined || max === undefined ? undefined : { count: Number(count), max: Number(max) }
}

/** Who has no nft has no tables of it. */
const hasTable = async (runner: CommandRunner, name: string): Promise<boolean> => {
  const text = await runner.run('nft', ['list', 'tables']).catch((error: unknown) => {
    if (isCommandMissing(error)) return ''
    throw error
  })
  return text.split('\n').some((line) => line.endsWith(` ${name}`))
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]?.trim() ?? ''

const readProgram = async (runner: CommandRunner): Promise<string | undefined> => {
  const { isCgroup2 } = await readNodeFacts()
  const found = await findProgram(runner, isCgroup2).catch((error: unknown) => {
    if (error instanceof NoProgram) return undefined
    throw error
  })
  return found?.name
}

const readRules = async (runner: CommandRunner) => {
  const { backend, mixed } = await detectBackend(runner)
  const filter = parseSave(await createNetfilter(runner, 'IPv4', backend).save('filter'))
  return { mixed, forward: filter.get('FORWARD') }
}

export const readFacts = async (options: FactsOptions): Promise<MachineFacts> => {
  const { runner, ranges, resolvers, clusterDns } = options
  const iproute = createIproute(runner)
  const links = await showLinks(iproute)
  const tunnel = links.find(({ name }) => name === vxlanDevice)?.mtu
  const unreadable: Record<string, string> = {}
  /** One that may not be looked at keeps nobody from the others. */
  const look = <T>(names: readonly string[], read: () => Promise<T>): Promise<T | undefined> =>
    read().catch((error: unknown) => {
      for (const name of names) unreadable[name] = firstLine(error)
      return undefined
    })
  const rules = await look(['FORWARD', 'rule stores'], () => readRules(runner))
  const clock = options.clockAheadSeconds
  if (typeof clock === 'string') unreadable['clock'] = clock
  const defaults = await showRoutes(iproute, '-4', ['default'])
  const underlay = links.find(({ name }) => name === defaults[0]?.device)?.mtu
  const routes = await showForeignRoutes(iproute)
  return {
    ipForward: await readSysctl('net.ipv4.ip_forward'),
    strictReversePath: await readStrict(),
    bridgeCallsIptables: await readSysctl('net.bridge.bridge-nf-call-iptables'),
    ruleStoresMixed: rules?.mixed ?? false,
    forward: rules?.forward,
    hasFirewalld: (await look(['firewalld'], () => hasTable(runner, 'firewalld'))) ?? false,
    checksumOffload: await readOffload(runner),
    mtu: { tunnel, underlay },
    ...{ ranges, clusterDns, surroundings: { routes, resolvers } },
    clockAheadSeconds: typeof clock === 'string' ? undefined : clock,
    nameservers: (await readResolvConf()).nameservers,
    connections: await readConnections(),
    peers: (await look(['nodes'], () => readPeers(options, tunnel))) ?? [],
    podLinks: await look(['pod links'], () => readPodLinks(runner, options.stateDir)),
    ociProgram: await look(['images'], () => readProgram(runner)),
    unreadable,
  }
}
