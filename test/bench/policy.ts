/**
 * What a new connection pays for network policies, and what a change of them takes.
 *   sh scripts/universe.sh node_modules/.bin/node test/bench/policy.ts [POLICIES=1000] [BACKEND…]
 */

import type { NetworkPolicy } from '../../src/api/types/index.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { createKernelChains } from '../../src/host/netfilter/kernel-chains.ts'
import { createNetfilter, type NetfilterBackend } from '../../src/host/netfilter/netfilter.ts'
import { cleanupPolicies, policyRoom } from '../../src/overlay/policy/enforcer.ts'
import { readPolicy } from '../../src/overlay/policy/model.ts'
import { createPolicyChains, type PolicyChains, policyJumps } from '../../src/overlay/policy/policy-chains.ts'
import { peerPort } from '../integration/support/hosts.ts'
import { createNodeNetwork } from '../integration/support/node-network.ts'
import { sized } from './support/size.ts'
import { connectMicros, median, pinServer } from './support/tcp.ts'

const [size = String(sized(1_000, 20)), ...chosen] = process.argv.slice(2)
const count = Number(size)
const podCount = Number(process.env['PODS'] ?? sized(200, 10))
const rounds = sized(7, 1)
const backends: readonly NetfilterBackend[] = (['nft', 'legacy'] as const).filter(
  (backend) => chosen.length === 0 || chosen.includes(backend),
)

/** Pod n has the address 10.1.0.(n + 2): the first is the client, the second the server. */
const podObject = (at: number) => ({
  ...{ namespace: 'default', uid: `uid-${at}`, node: 'here', labels: { app: `app-${at}` }, ports: [] },
  addresses: [`10.1.0.${at + 2}`],
})

const app = (at: number) => ({ matchLabels: { app: `app-${at}` } })

/** Policy n is about pod n (modulo), and lets it talk to the pod before and behind. `all`: about the server alone. */
const policyObject = (at: number, selected: number): NetworkPolicy => {
  const near = [selected - 1, selected + 1].map((each) => ({ podSelector: app((each + podCount) % podCount) }))
  // Of all that apply to a pod the last allows what is measured.
  const isLast = at >= count - podCount || (selected < 2 && at >= count - 2)
  const ports = [{ protocol: 'TCP' as const, port: isLast ? peerPort : 9_000 + (at % 1_000) }]
  return {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
    metadata: { name: `policy-${String(at).padStart(5, '0')}`, namespace: 'default' },
    spec: {
      ...{ podSelector: app(selected), policyTypes: ['Ingress', 'Egress'] },
      ...{ ingress: [{ from: near, ports }], egress: [{ to: near, ports }] },
    },
  }
}

const fill = (chains: PolicyChains, selectedBy: (at: number) => number): void => {
  chains.setNamespace('default', {})
  for (let at = 0; at < podCount; at++) chains.setPod(`default/pod-${at}`, podObject(at))
  for (let at = 0; at < count; at++) {
    const policy = readPolicy(policyObject(at, selectedBy(at)))
    chains.setPolicy(policy.key, policy)
  }
}

const round = (value: number): number => Math.round(value * 100) / 100

for (const backend of backends) {
  const network = await createNodeNetwork()
  try {
    const netfilter = createNetfilter(network.node.runner, 'IPv4', backend)
    const [client] = network.pods
    // Connections are tracked on every node, policies or not: it has Services.
    const nat = ['-t', 'nat', '-A', 'POSTROUTING', '-s', '203.0.113.0/24', '-j', 'MASQUERADE']
    await network.node.runner.run(`iptables-${backend}`, nat)
    /** The best of three: the kernel goes on tidying up for a while after a change of thousands of rules. */
    const connect = async (): Promise<number> => {
      const seen: number[] = []
      for (let n = 0; n < 3; n++) seen.push(await connectMicros(client, '10.1.0.3', peerPort))
      return Math.min(...seen)
    }
    const context = { family: 'IPv4', nodeName: 'here', podCIDRs: ['10.1.0.0/24'] } as const
    const build = (selectedBy: (at: number) => number) => {
      const chains = createPolicyChains(context)
      fill(chains, selectedBy)
      return { chains, kernel: createKernelChains(netfilter, policyJumps, policyRoom) }
    }
    await pinServer(createCommandRunner(), 'pod3')
    await connect()
    const seen = { none: [] as number[], many: [] as number[], one: [] as number[] }
    for (let n = 0; n < rounds; n++) {
      seen.none.push(await connect())
      const spread = build((at) => at % podCount)
      await spread.kernel.repair(spread.chains.all())
      seen.many.push(await connect())
      await cleanupPolicies(netfilter)
      const heaped = build((at) => at % 2)
      await heaped.kernel.repair(heaped.chains.all())
      seen.one.push(await connect())
      await cleanupPolicies(netfilter)
    }
    const started = performance.now()
    const { chains, kernel } = build((at) => at % podCount)
    await kernel.repair(chains.all())
    const coldMs = performance.now() - started
    chains.takeChange()
    const changes: number[] = []
    for (let at = 0; at < sized(40, 5); at++) {
      const began = performance.now()
      const pod = podObject(at)
      chains.setPod(`default/pod-${at}`, { ...pod, labels: { app: `app-${podCount - at}` } })
      await kernel.advance(chains.takeChange())
      changes.push(performance.now() - began)
    }
    await cleanupPolicies(netfilter)
    const none = median(seen.none)
    console.log(
      JSON.stringify({
        ...{ backend, policies: count, pods: podCount, connectWithout: round(none) },
        ...{ spreadOverPods: round(median(seen.many)), ratio: round(median(seen.many) / none) },
        ...{ allOnTwoPods: round(median(seen.one)), ratioOnTwo: round(median(seen.one) / none) },
        ...{ coldMs: Math.round(coldMs), changeP50Ms: round(median(changes)) },
      }),
    )
  } finally {
    await network.close()
  }
}
