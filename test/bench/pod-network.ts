/**
 * What the network of one pod costs: the bridge and host-local plugins, Podway's agent, and Podway as a plugin, by turns.
 *   sh scripts/universe.sh node_modules/.bin/node test/bench/pod-network.ts [PODS]
 */

import { createCommandRunner } from '../../src/host/command.ts'
import { type Network, runNetwork } from '../integration/support/cni-runtime.ts'
import { startPodway, startReference } from '../integration/support/cni-world.ts'
import { ip } from '../integration/support/hosts.ts'
import { sized } from './support/size.ts'

const count = Number(process.argv[2] ?? sized(60, 2))
const runner = createCommandRunner()
const kinds = ['reference', 'agent', 'plugin'] as const
type Kind = (typeof kinds)[number]

await ip([
  'link add under9 type veth peer name under8',
  'address add 172.31.9.1/24 dev under9',
  'link set under9 up',
  'link set under8 up',
])
const reference = await startReference('10.88.0.0/24')
const podway = await startPodway('10.89.0.0/24')
/** Without host ports: bridge and host-local alone. */
const bridged: Network = { ...reference.network, plugins: reference.network.plugins.slice(0, 1) }

const add = async (kind: Kind, id: string): Promise<void> => {
  const netns = `/run/netns/${id}`
  if (kind === 'agent') {
    await podway.pods.add({ owner: id, netns })
    return
  }
  const network = kind === 'reference' ? bridged : podway.network
  const { failure } = await runNetwork(network, { command: 'ADD', containerId: id, ifname: 'eth0', netns })
  if (failure) throw new Error(`${kind}: ${failure.msg}`)
}

const times: Readonly<Record<Kind, number[]>> = { reference: [], agent: [], plugin: [] }
const warmUp = sized(3, 1)
for (let at = 0; at < count + warmUp; at++)
  for (const kind of kinds) {
    const id = `${kind}-${at}`
    await runner.run('ip', ['netns', 'add', id])
    const started = performance.now()
    await add(kind, id)
    if (at >= warmUp) times[kind].push(performance.now() - started)
  }

const percentile = (kind: Kind, share: number): number => {
  const sorted = times[kind].toSorted((a, b) => a - b)
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
}
for (const kind of kinds)
  console.log(
    `${kind}: p50 ${percentile(kind, 0.5).toFixed(1)} ms, p95 ${percentile(kind, 0.95).toFixed(1)} ms, of the reference's p50 ${(percentile(kind, 0.5) / percentile('reference', 0.5)).toFixed(2)}`,
  )
await podway.close()
await reference.close()
