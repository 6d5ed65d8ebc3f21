/** Two nodes with their pod networks, and a host beside them, joined by a bridge in the universe's own namespace. */

import type { Test } from 'tap'
import type { Node } from '../../../src/api/types/index.ts'
import { createCommandRunner } from '../../../src/host/command.ts'
import { createIprouteReadings } from '../../../src/host/iproute-readings.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { createNetfilter } from '../../../src/host/netfilter/netfilter.ts'
import { createMemoryLeaseStore } from '../../../src/ipam/lease-store.ts'
import { openPodAddresses } from '../../../src/ipam/pod-addresses.ts'
import { overlayAnnotations } from '../../../src/overlay/annotations.ts'
import type { BackendName } from '../../../src/overlay/backend.ts'
import { vtepMacOf } from '../../../src/overlay/identity.ts'
import { createOverlay, type Overlay } from '../../../src/overlay/overlay.ts'
import { createPodNetwork } from '../../../src/overlay/pod-network.ts'
import { createFedInformer, type FedInformer } from '../../support/fed-informer.ts'
import { createHost, type Host, ip } from './hosts.ts'

const runner = createCommandRunner()

export const nodeObject = (name: string, at: number): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node' },
  metadata: {
    name,
    annotations: overlayAnnotations('vxlan', { vtepMac: vtepMacOf(name) }, `172.31.0.${10 + at}`),
  },
  spec: { podCIDR: `10.244.${at}.0/24`, podCIDRs: [`10.244.${at}.0/24`] },
  status: { addresses: [{ type: 'InternalIP', address: `172.31.0.${10 + at}` }] },
})

export interface TestNode {
  readonly host: Host
  readonly overlay: Overlay
  readonly network: ReturnType<typeof createPodNetwork>
  /** Ends the agent's part; what is in the kernel stays. */
  stop(): Promise<void>
  /** Links, routes and rules. */
  state(): Promise<string>
}

/** Nodes n1 and n2 (172.31.0.11, .12) and `out` (172.31.0.100), joined by a bridge in the universe's own namespace. */
export const createNodes = async (t: Pick<Test, 'teardown'>) => {
  const hosts = [await createHost('n1'), await createHost('n2'), await createHost('out')] as const
  t.teardown(async () => {
    for (const host of hosts) await host.close()
    await ip(['link del under0'])
  })
  await ip(['link add under0 type bridge', 'link set under0 up'])
  for (const [at, host] of hosts.entries()) {
    await ip([`link add u${host.name} type veth peer name eth0 netns ${host.name}`])
    await ip([`link set u${host.name} master under0 up`])
    const address = host.name === 'out' ? 100 : 11 + at
    await ip([`address add 172.31.0.${address}/24 dev eth0`, 'link set eth0 up'], host.runner)
  }
  return hosts
}

export const ruleLines = (text: string): string => text.replaceAll(/^#.*$/gm, '').replaceAll(/\[\d+:\d+\]/g, '')

export interface StartOptions {
  readonly directRouting?: boolean
  /** On the network between the nodes; 172.31.0.(10 + at) when missing. */
  readonly address?: string
  /** What the node knows of nodes; n1 and n2 when missing. */
  readonly nodes?: FedInformer<Node>
}

export const startNode = async (
  t: Pick<Test, 'teardown'>,
  host: Host,
  at: number,
  backend: BackendName,
  {
    directRouting = false,
    address = `172.31.0.${10 + at}`,
    nodes = createFedInformer<Node>([nodeObject('n1', 1), nodeObject('n2', 2)]),
  }: StartOptions = {},
): Promise<TestNode> => {
  const netfilter = createNetfilter(host.runner, 'IPv4', 'nft')
  const podCIDRs = [`10.244.${at}.0/24`]
  const iproute = createIprouteReadings(host.runner)
  const overlay = await createOverlay({
    ...{
      nodes,
      nodeName: host.name,
      podCIDRs,
      clusterCIDRs: ['10.244.0.0/16'],
      serviceCIDRs: ['10.96.0.0/16'],
      runner: host.runner,
      iproute,
    },
    ...{ identity: { vtepMac: vtepMacOf(host.name) }, keyFile: '/run/wireguard.key', directRouting },
    ...{ underlayAddress: address, backend, netfilters: [netfilter], log: silentLogger, resyncMs: 200 },
    writeSysctl: async (key, value) => void (await host.runner.run('sysctl', ['-q', '-w', `${key}=${value}`])),
  })
  const stop = new AbortController()
  const running = overlay.run(stop.signal)
  const end = async (): Promise<void> => {
    stop.abort()
    await running
    iproute.close()
  }
  t.teardown(end)
  const addresses = await openPodAddresses({ podCIDRs, store: createMemoryLeaseStore() })
  const state = async (): Promise<string> => {
    const links = await host.runner.run('ip', ['-brief', 'link'])
    const routes = await host.runner.run('ip', ['route'])
    return [links.replaceAll(/@\S+/g, ''), routes, ruleLines(await host.runner.run('iptables-nft-save', []))].join('\n')
  }
  return {
    host,
    overlay,
    network: createPodNetwork({ addresses, links: overlay.links, ready: overlay.synced }),
    state,
    stop: end,
  }
}

export const pidIn = async (host: Host): Promise<number> =>
  Number((await runner.run('ip', ['netns', 'pids', host.name])).trim().split('\n')[0])
