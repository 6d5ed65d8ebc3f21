/**
 * Whatever stands in any field of an object: what reaches the kernel's tools are rules and lines of ours, of the shapes that
 * good objects make, and those of the other objects are all there.
 */

import t, { type Test } from 'tap'
import { hostPortsOf } from '../../../src/agent/pods/host-ports.ts'
import { slicesOf } from '../../../src/api/slices.ts'
import type {
  EndpointSlice,
  Endpoints,
  Namespace,
  NetworkPolicy,
  Node,
  Pod,
  Service,
} from '../../../src/api/types/index.ts'
import { opensNothing } from '../../../src/host/fake-command.ts'
import { createIproute } from '../../../src/host/iproute.ts'
import { createFakeNetfilter, type FakeNetfilter } from '../../../src/host/netfilter/fake.ts'
import { createRuleKeeper } from '../../../src/host/netfilter/rule-keeper.ts'
import { parseSave, type TableName } from '../../../src/host/netfilter/tables.ts'
import type { IpFamily } from '../../../src/ip/address.ts'
import type { BackendOptions } from '../../../src/overlay/backend.ts'
import { createBackend } from '../../../src/overlay/backends.ts'
import { parseCniRequest } from '../../../src/overlay/cni/request.ts'
import { readHostPorts } from '../../../src/overlay/host-ports.ts'
import { toPeer } from '../../../src/overlay/peers.ts'
import { podLines } from '../../../src/overlay/pod-links.ts'
import { readPolicy } from '../../../src/overlay/policy/model.ts'
import { toPolicyPod } from '../../../src/overlay/policy/pod.ts'
import { compileRules, overlayJumps } from '../../../src/overlay/rules.ts'
import { compileWireguard } from '../../../src/overlay/wireguard.ts'
import { attacks, type HostileVariant, hostileSamples, hostileVariants } from '../../support/hostile-objects.ts'
import { strangeWord } from '../../support/rule-grammar.ts'
import { createPolicyKernel, podCIDRs } from '../overlay/policy/support.ts'
import { makeService, makeSlice } from '../proxy/support/objects.ts'
import { loadRules, makeContext, type Objects } from '../proxy/support/rules.ts'

const families = ['IPv4', 'IPv6'] as const satisfies readonly IpFamily[]
const tables = ['raw', 'mangle', 'nat', 'filter'] as const satisfies readonly TableName[]

/** Everything that the kernel would hold, one rule a line. */
const linesOf = (netfilter: FakeNetfilter): readonly string[] =>
  tables.flatMap((table) =>
    [...parseSave(netfilter.dump(table)).values()].flatMap(({ name, rules }) =>
      rules.map((rule) => `${table} ${name} ${rule}`),
    ),
  )

/** Our targets that end a packet's way well: no object may make one more. */
const isAcceptance = (line: string): boolean => line.endsWith('-j ACCEPT')
const isJump = (line: string): boolean => /^\w+ (PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) /.test(line)

interface Loaded {
  /** Without any hostile object. */
  readonly alone: readonly string[]
  /** With the hostile one. */
  readonly together: readonly string[]
}

/** What is wrong with what a hostile object was made into; undefined when nothing is. */
const faultOf = ({ alone, together }: Loaded): string | undefined => {
  const there = new Set(together)
  const lost = alone.find((line) => !there.has(line))
  if (lost !== undefined) return `a rule of the others is missing: ${lost}`
  const known = new Set(alone)
  const added = together.filter((line) => !known.has(line))
  const opened = added.find((line) => isAcceptance(line) || isJump(line))
  if (opened !== undefined) return `a rule that no object may make: ${opened}`
  return added.map((line) => strangeWord(line.split(' ').slice(2).join(' '))).find((word) => word !== undefined)
}

/** Tries every variant that makes a difference: `read` is what of an object matters. */
const tryAll = async <T extends object>(
  t: Test,
  variants: Iterable<HostileVariant>,
  read: (object: T) => unknown,
  load: (object: T, family: IpFamily) => Promise<Loaded>,
): Promise<void> => {
  const seen = new Set<string>()
  let count = 0
  for (const { path, attack, object } of variants) {
    count++
    const hostile = object as T
    const matters = JSON.stringify(read(hostile))
    if (seen.has(matters)) continue
    seen.add(matters)
    for (const family of families) {
      const fault = await load(hostile, family).then(faultOf, (error: unknown) => String(error))
      if (fault !== undefined) t.fail(`${path}: ${attack}: ${family}: ${fault.slice(0, 300)}`)
    }
  }
  t.ok(seen.size > 20, `${count} variants, ${seen.size} of them different for rules`)
}

const bystander: Record<IpFamily, Objects> = {
  IPv4: {
    service: makeService({
      name: 'quiet',
      clusterIP: '10.96.0.99',
      type: 'NodePort',
      ports: [{ name: 'http', port: 80, nodePort: 31_999 }],
    }),
    slices: [makeSlice([{ address: '10.1.0.9', node: 'here' }], { service: 'quiet' })],
  },
  IPv6: {
    service: makeService({ name: 'quiet', clusterIP: 'fd00:96::99' }),
    slices: [makeSlice([{ address: 'fd00:1::9', node: 'here' }], { service: 'quiet', addressType: 'IPv6' })],
  },
}

const samples = hostileSamples as unknown as {
  readonly Service: Service
  readonly Endpoints: Endpoints
  readonly EndpointSlice: EndpointSlice
  readonly Pod: Pod
  readonly NetworkPolicy: NetworkPolicy
  readonly Namespace: Namespace
  readonly Node: Node
}

const loadServices = async (objects: readonly Objects[], family: IpFamily) =>
  linesOf(await loadRules(objects, makeContext({ family })))

t.test('Services and EndpointSlices', async (t) => {
  const alone = {
    IPv4: await loadServices([bystander.IPv4], 'IPv4'),
    IPv6: await loadServices([bystander.IPv6], 'IPv6'),
  }
  const load = async (objects: Objects, family: IpFamily) => ({
    alone: alone[family],
    together: await loadServices([bystander[family], objects], family),
  })
  for (const family of families)
    t.ok(
      (await load({ service: samples.Service, slices: [samples.EndpointSlice] }, family)).together.length >
        alone[family].length,
      'the sample makes rules',
    )
  await t.test('Service', (t) =>
    tryAll<Service>(
      t,
      hostileVariants('Service', samples.Service),
      ({ metadata, spec, status }) => [
        metadata.name,
        metadata.namespace,
        metadata.labels,
        metadata.annotations,
        spec,
        status,
      ],
      (service, family) => load({ service, slices: [samples.EndpointSlice] }, family),
    ),
  )
  await t.test('EndpointSlice', (t) =>
    tryAll<EndpointSlice>(
      t,
      hostileVariants('EndpointSlice', samples.EndpointSlice),
      ({ metadata, endpoints, ports, addressType }) => [metadata.labels, endpoints, ports, addressType],
      (slice, family) => load({ service: samples.Service, slices: [slice] }, family),
    ),
  )
  await t.test('Endpoints, of servers without slices', (t) =>
    tryAll<Endpoints>(
      t,
      hostileVariants('Endpoints', samples.Endpoints),
      ({ metadata, subsets }) => [metadata.name, metadata.labels, subsets],
      async (object, family) => load({ service: samples.Service, slices: slicesOf(object) }, family),
    ),
  )
})

interface PolicyWorld {
  readonly pod: Pod
  readonly namespace: Namespace
  readonly policy: NetworkPolicy
}
const world: PolicyWorld = { pod: samples.Pod, namespace: samples.Namespace, policy: samples.NetworkPolicy }

const quietPod: Pod = {
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name: 'quiet', namespace: 'quiet', uid: 'quiet', labels: { app: 'quiet' } },
  spec: { nodeName: 'here', containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 8099 }] }] },
  status: { phase: 'Running', podIP: '10.244.1.9', podIPs: [{ ip: '10.244.1.9' }, { ip: 'fd00:1::9' }] },
}
const quietPolicy: NetworkPolicy = {
  ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
  metadata: { name: 'quiet', namespace: 'quiet' },
  spec: { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] },
}

const loadPolicies = async (family: IpFamily, hostile?: PolicyWorld): Promise<readonly string[]> => {
  const { chains, kernel, netfilter } = createPolicyKernel(family)
  chains.setNamespace('quiet', {})
  chains.setPod('quiet/quiet', toPolicyPod(quietPod))
  chains.setPolicy('quiet/quiet', readPolicy(quietPolicy))
  if (hostile) {
    const { pod, namespace, policy } = hostile
    chains.setNamespace(namespace.metadata.name, namespace.metadata.labels ?? {})
    chains.setPod(`${pod.metadata.namespace}/${pod.metadata.name}`, toPolicyPod(pod))
    chains.setPolicy(`${policy.metadata.namespace}/${policy.metadata.name}`, readPolicy(policy))
  }
  await kernel.repair(chains.all())
  return linesOf(netfilter)
}

t.test('network policies and what they select', async (t) => {
  const alone = { IPv4: await loadPolicies('IPv4'), IPv6: await loadPolicies('IPv6') }
  const load = async (hostile: PolicyWorld, family: IpFamily) => ({
    alone: alone[family],
    together: await loadPolicies(family, hostile),
  })
  for (const family of families) t.ok((await load(world, family)).together.length > alone[family].length)
  await t.test('NetworkPolicy', (t) =>
    tryAll<NetworkPolicy>(
      t,
      hostileVariants('NetworkPolicy', samples.NetworkPolicy),
      ({ metadata, spec }) => [metadata.name, metadata.namespace, spec],
      (policy, family) => load({ ...world, policy }, family),
    ),
  )
  await t.test('Pod', (t) =>
    tryAll<Pod>(t, hostileVariants('Pod', samples.Pod), toPolicyPod, (pod, family) => load({ ...world, pod }, family)),
  )
  await t.test('Namespace', (t) =>
    tryAll<Namespace>(
      t,
      hostileVariants('Namespace', samples.Namespace),
      ({ metadata }) => [metadata.name, metadata.labels],
      (namespace, family) => load({ ...world, namespace }, family),
    ),
  )
})

const loadOverlay = async (family: IpFamily, pods: readonly Pod[]): Promise<readonly string[]> => {
  const netfilter = createFakeNetfilter(family)
  const hostPorts = pods.flatMap((pod) => readHostPorts(hostPortsOf(pod), { podCIDRs }).ports[family])
  const clusterCIDRs = ['10.244.0.0/16', 'fd00::/48']
  await createRuleKeeper(netfilter, overlayJumps(family, 'podway.1')).ensure(
    compileRules({ family, clusterCIDRs, podCIDRs, hostPorts }),
  )
  return linesOf(netfilter)
}

t.test('host ports', async (t) => {
  const alone = { IPv4: await loadOverlay('IPv4', [quietPod]), IPv6: await loadOverlay('IPv6', [quietPod]) }
  for (const family of families)
    t.ok(
      alone[family].some((line) => line.includes('--dport 8099')),
      'in both families',
    )
  await tryAll<Pod>(t, hostileVariants('Pod', samples.Pod), hostPortsOf, async (pod, family) => ({
    alone: alone[family],
    together: await loadOverlay(family, [quietPod, pod]),
  }))
})

/** What a backend gives to iproute2 for these nodes, line by line. */
const linesFor = async (name: 'vxlan' | 'host-gw', nodes: readonly Node[]): Promise<readonly string[]> => {
  const lines: string[] = []
  const runner = {
    open: opensNothing,
    run: async (_file: string, args: readonly string[], input?: string) => {
      if (args.includes('-batch')) lines.push(...(input ?? '').trimEnd().split('\n'))
      return ''
    },
  }
  const options: BackendOptions = {
    ...{ iproute: createIproute(runner), runner, podCIDRs, identity: { vtepMac: '02:00:00:00:00:01' } },
    underlay: { address: '172.30.0.11', network: '172.30.0.0/24', device: 'eth0', mtu: 1500 },
    ...{ keyFile: '/run/no-key', directRouting: false },
  }
  await createBackend(name, options).sync(nodes.flatMap((node) => toPeer(node, 'IPv4') ?? []))
  return lines
}

const quietNode: Node = {
  ...{ apiVersion: 'v1', kind: 'Node' },
  metadata: {
    name: 'quiet',
    annotations: { 'flannel.alpha.coreos.com/backend-data': '{"VtepMAC":"02:00:00:00:00:09"}' },
  },
  spec: { podCIDRs: ['10.244.9.0/24', 'fd00:9::/64'] },
  status: { addresses: [{ type: 'InternalIP', address: '172.30.0.19' }] },
}

/** Verbs and options of iproute2, addresses, numbers, and our own names. */
const routeWord =
  /^(link|address|neigh|route|fdb|add|set|replace|del|dev|via|dst|onlink|self|permanent|nud|lladdr|mtu|type|vxlan|id|local|dstport|nolearning|up|proto|eth0|podway\.1|\d+|[0-9a-f:]+(\/\d+)?|[\d.]+(\/\d+)?)$/

t.test('Nodes: routes, neighbours, forwarding entries, WireGuard peers', async (t) => {
  const alone = { vxlan: await linesFor('vxlan', [quietNode]), 'host-gw': await linesFor('host-gw', [quietNode]) }
  t.ok(alone.vxlan.length > 4 && alone['host-gw'].length > 0)
  const seen = new Set<string>()
  for (const { path, attack, object } of hostileVariants('Node', samples.Node)) {
    const node = object as Node
    const peer = toPeer(node, 'IPv4')
    const matters = JSON.stringify(peer)
    if (peer === undefined || seen.has(matters)) continue
    seen.add(matters)
    const what = `${path}: ${attack}`
    for (const name of ['vxlan', 'host-gw'] as const) {
      const lines = await linesFor(name, [quietNode, node])
      for (const line of alone[name]) if (!lines.includes(line)) t.fail(`${what}: ${name}: missing: ${line}`)
      const strange = lines.flatMap((line) => line.split(' ')).find((word) => !routeWord.test(word))
      if (strange !== undefined) t.fail(`${what}: ${name}: ${strange}`)
    }
    const config = compileWireguard('PRIVATE', [{ ...peer, publicKey: peer.publicKey ?? `${'A'.repeat(43)}=` }])
    t.match(
      config,
      /^(\[(Interface|Peer)\]|[A-Za-z]+ = [A-Za-z0-9+/=:,.[\] ]+|)(\n(\[(Interface|Peer)\]|[A-Za-z]+ = [A-Za-z0-9+/=:,.[\] ]+|))*\n$/,
      what,
    )
    t.equal(config.match(/^\[Peer\]$/gm)?.length, 1, what)
  }
  t.ok(seen.size > 3, `${seen.size} different peers`)
})

t.test('requests of container runtimes', async (t) => {
  const environment = {
    ...{ CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c1', CNI_IFNAME: 'eth0', CNI_NETNS: '/run/netns/c1' },
    CNI_ARGS: 'K8S_POD_NAMESPACE=ns;K8S_POD_NAME=web;K8S_POD_UID=u1;IP=10.244.1.7;MAC=02:00:00:00:00:07',
  }
  const config = {
    ...{ cniVersion: '1.0.0', name: 'podway', type: 'podway' },
    runtimeConfig: {
      portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp', hostIP: '172.30.0.11' }],
      ...{ ips: ['10.244.1.7/24'], mac: '02:00:00:00:00:07' },
    },
    args: { cni: { ips: ['10.244.1.7'] } },
  }
  let refused = 0
  let taken = 0
  const attempt = (environment: object, config: object, what: string): void => {
    const variables = new Map(Object.entries(environment).map(([name, value]) => [name, String(value)]))
    try {
      const { ports, addresses, attachment } = parseCniRequest(variables, JSON.stringify(config))
      const mappings = ports.map((port) => ({ ...port, podIP: '10.244.1.2' }))
      for (const rule of readHostPorts(mappings, { podCIDRs }).ports.IPv4)
        t.equal((rule.hostIP?.text ?? '172.30.0.11').split(/\s/).length, 1, what)
      for (const line of podLines(addresses, ['10.244.1.1'], attachment.ifname)) t.notMatch(line, /\n|ACCEPT|"/, what)
      taken++
    } catch (error) {
      t.match(error, { name: /^(CniError|RangeError)$/ }, what)
      refused++
    }
  }
  for (const [name, attack] of Object.entries(attacks)) {
    for (const [key, value] of Object.entries(environment))
      attempt({ ...environment, [key]: attack(value) }, config, `${key}: ${name}`)
    const text = JSON.stringify(config)
    for (const value of ['podway', '172.30.0.11', 'tcp', '10.244.1.7/24', '02:00:00:00:00:07', '10.244.1.7'])
      attempt(
        environment,
        JSON.parse(text.replaceAll(`"${value}"`, JSON.stringify(attack(value)))),
        `${value}: ${name}`,
      )
  }
  t.ok(refused > 100 && taken > 5, `${refused} refused, ${taken} taken`)
})
