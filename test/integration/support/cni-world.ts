/** Networks of both kinds in the universe's own namespace, whose address 172.31.9.1 must be there. */

import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Node } from '../../../src/api/types/index.ts'
import { createCommandRunner } from '../../../src/host/command.ts'
import { createIproute } from '../../../src/host/iproute.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { createNetfilter } from '../../../src/host/netfilter/netfilter.ts'
import { createFileLeaseStore } from '../../../src/ipam/lease-store.ts'
import { openPodAddresses } from '../../../src/ipam/pod-addresses.ts'
import { findPodAddresses } from '../../../src/overlay/address-recovery.ts'
import { createCniPlugin } from '../../../src/overlay/cni/plugin.ts'
import { runCniServer } from '../../../src/overlay/cni/server.ts'
import { cleanupOverlay, createOverlay } from '../../../src/overlay/overlay.ts'
import { createPodNetwork, type OverlayPodNetwork } from '../../../src/overlay/pod-network.ts'
import { createFedInformer } from '../../support/fed-informer.ts'
import type { Network } from './cni-runtime.ts'
import { ip } from './hosts.ts'

const runner = createCommandRunner()
export const cniVersion = '1.0.0'
const launcher = join(import.meta.dirname, '../../../src/overlay/cni/launcher.pl')
const reference = '/usr/lib/cni'

export interface World {
  readonly network: Network
  readonly close: () => Promise<void>
}

export const startReference = async (subnet: string): Promise<World> => {
  const plugins = [
    {
      ...{ type: 'bridge', bridge: 'cni9', isGateway: true, ipMasq: false, hairpinMode: true },
      capabilities: { ips: true, mac: true },
      ipam: { type: 'host-local', ranges: [[{ subnet }]], routes: [{ dst: '0.0.0.0/0' }], dataDir: '/run/host-local' },
    },
    { type: 'portmap', snat: true, capabilities: { portMappings: true } },
  ]
  await runner.run('sysctl', ['-q', '-w', 'net.ipv4.ip_forward=1'])
  return {
    network: { path: reference, version: cniVersion, name: `reference-${subnet.replaceAll(/\W/g, '-')}`, plugins },
    close: async () => {
      await ip(['link del cni9']).catch(() => undefined)
    },
  }
}

const socket = '/run/cni-test.sock'

/** The network with Podway's plugin, whose launcher is written where runtimes look. */
export const podwayNetwork = async (): Promise<Network> => {
  const path = '/run/cni-bin'
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'podway'), (await readFile(launcher, 'utf8')).replace('@SOCKET@', socket))
  await chmod(join(path, 'podway'), 0o755)
  return { path, version: cniVersion, name: 'podway', plugins: [{ type: 'podway' }] }
}

/** Podway's own, with the agent's part in this process. */
export interface PodwayWorld extends World {
  readonly pods: OverlayPodNetwork
}

export const startPodway = async (
  subnet: string,
  leaseFile = `/run/leases-${subnet.replace('/', '-')}.json`,
): Promise<PodwayWorld> => {
  const netfilter = createNetfilter(runner, 'IPv4', 'nft')
  const overlay = await createOverlay({
    ...{ nodes: createFedInformer<Node>([]), nodeName: 'here', podCIDRs: [subnet], clusterCIDRs: [subnet], runner },
    ...{ serviceCIDRs: [], iproute: createIproute(runner) },
    ...{ underlayAddress: '172.31.9.1', backend: 'none', netfilters: [netfilter], log: silentLogger },
    ...{ identity: { vtepMac: '02:00:00:00:00:01' }, keyFile: '/run/key' },
    writeSysctl: async (key, value) => void (await runner.run('sysctl', ['-q', '-w', `${key}=${value}`])),
  })
  const addresses = await openPodAddresses({
    podCIDRs: [subnet],
    store: createFileLeaseStore(leaseFile, {
      onDamage: () => undefined,
      find: () => findPodAddresses(runner, [subnet], () => undefined),
    }),
  })
  const network = createPodNetwork({ addresses, links: overlay.links, ready: overlay.synced })
  const plugin = createCniPlugin({
    ...{ network, addresses, links: overlay.links, podCIDRs: [subnet], mtu: overlay.mtu, log: silentLogger },
    ...{ setHostPorts: overlay.setHostPorts, isReady: () => true },
  })
  const stop = new AbortController()
  const running = [overlay.run(stop.signal), runCniServer(socket, plugin, silentLogger, stop.signal)]
  await overlay.synced
  await plugin.restore()
  return {
    pods: network,
    network: await podwayNetwork(),
    close: async () => {
      stop.abort()
      await Promise.all(running)
    },
  }
}

/** The universe's own namespace as it was: other tests come after this one. */
export const resetNamespace = async (): Promise<void> => {
  const netfilter = createNetfilter(runner, 'IPv4', 'nft')
  await cleanupOverlay(runner, [netfilter])
  // What the reference plugins leave behind.
  for (const table of ['nat', 'filter'])
    for (const verb of ['-F', '-X']) await runner.run('iptables-nft', ['-t', table, verb])
  for (const link of ['under9', 'cni9']) await ip([`link del ${link}`]).catch(() => undefined)
  await runner.run('sysctl', ['-q', '-w', 'net.ipv4.ip_forward=0'])
}
