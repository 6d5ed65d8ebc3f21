import t from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import type { Node, Service } from '../../../../src/api/types/index.ts'
import { CommandError } from '../../../../src/host/command.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { createFakeNetfilter, type FakeNetfilter } from '../../../../src/host/netfilter/fake.ts'
import type { CountedRule, Netfilter } from '../../../../src/host/netfilter/netfilter.ts'
import { chainName, rule } from '../../../../src/host/netfilter/rule.ts'
import { parseSave, type TableEdit } from '../../../../src/host/netfilter/tables.ts'
import { cidrsIn } from '../../../../src/ip/cidr.ts'
import { cleanupProxy } from '../../../../src/proxy/iptables/kernel.ts'
import {
  createServiceProxy,
  type PortFollower,
  type ServiceProxyOptions,
} from '../../../../src/proxy/iptables/service-proxy.ts'
import type { ProxyObserver } from '../../../../src/proxy/observer.ts'
import type { Relays } from '../../../../src/proxy/relays.ts'
import { openClusterApi } from '../../../support/cluster-api.ts'
import { createFedInformer } from '../../../support/fed-informer.ts'
import { recordingLog } from '../../../support/recording-log.ts'
import { turns, until } from '../../../support/until.ts'
import { makeService, makeSlice, webPort } from '../support/objects.ts'
import { chainsOf, loadRules, makeContext, type Objects } from '../support/rules.ts'
import { putObjects, startProxy } from '../support/running.ts'

const strangers = {
  nat: `:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:PODWAY-MASQ - [0:0]
-A PREROUTING -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.0.0.9:22
-A POSTROUTING -j PODWAY-MASQ
-A PODWAY-MASQ -s 10.1.0.0/24 -j MASQUERADE --random-fully
`,
  filter: `:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -i docker0 -j ACCEPT
`,
}

const web: Objects = { service: makeService(), slices: [makeSlice([{ address: '10.1.0.2', node: 'here' }])] }
const api2: Objects = {
  service: makeService({ name: 'api', clusterIP: '10.96.0.11' }),
  slices: [makeSlice([{ address: '10.1.0.3', node: 'here' }], { service: 'api' })],
}

const relayed = { 'podway.dev/proxy-mode': 'userspace' }

const holds = async (netfilter: FakeNetfilter, objects: readonly Objects[], what: string): Promise<void> => {
  const wanted = JSON.stringify(chainsOf(await loadRules(objects)))
  await until(() => JSON.stringify(chainsOf(netfilter)) === wanted, what)
}

/** A kernel, and the same for a proxy whose looks are counted. */
const countedLooks = () => {
  const netfilter = createFakeNetfilter()
  let looks = 0
  const watched: Netfilter = {
    ...netfilter,
    list: (questions) => {
      looks++
      return netfilter.list(questions)
    },
  }
  return { netfilter, watched, looks: () => looks }
}

t.test('follows Services and slices, and writes only what changed', async (t) => {
  const api = await openClusterApi()
  putObjects(api, web)
  const netfilter = createFakeNetfilter()
  const { proxy } = startProxy(t, api, netfilter)
  await proxy.synced
  t.same(chainsOf(netfilter), chainsOf(await loadRules([web])))
  const writes = netfilter.applied

  putObjects(api, api2)
  await holds(netfilter, [web, api2], 'the new Service')
  t.ok(netfilter.applied <= writes + 4, 'two events are at most two syncs of two restores')

  const more = makeSlice([{ address: '10.1.0.2', node: 'here' }, { address: '10.1.9.9' }])
  const before = netfilter.applied
  api.put('endpointslices', more)
  await holds(netfilter, [{ ...web, slices: [more] }, api2], 'the new endpoint')
  t.equal(netfilter.applied, before + 1)

  api.drop('endpointslices', 'default/web-1')
  await holds(netfilter, [{ ...web, slices: [] }, api2], 'the Service without endpoints')
  api.drop('services', 'default/web')
  await holds(netfilter, [api2], 'the Service gone')
})

t.test('a slice that moves to another Service changes both', async (t) => {
  const api = await openClusterApi()
  const shared = makeSlice([{ address: '10.1.0.2', node: 'here' }], { name: 'one' })
  putObjects(api, { ...web, slices: [shared] })
  putObjects(api, { ...api2, slices: [] })
  const netfilter = createFakeNetfilter()
  await startProxy(t, api, netfilter).proxy.synced
  const moved = makeSlice([{ address: '10.1.0.2', node: 'here' }], { name: 'one', service: 'api' })
  api.put('endpointslices', moved)
  await holds(
    netfilter,
    [web, api2].map(({ service }) => ({ service, slices: [moved] })),
    'the slice to move',
  )
})

t.test('writes nothing before both lists are in', async (t) => {
  const api = await openClusterApi()
  putObjects(api, web)
  const release = Promise.withResolvers<void>()
  api.interfere((request) => (request.path.includes('endpointslices') ? release.promise : undefined))
  const netfilter = createFakeNetfilter()
  const { proxy, watched } = startProxy(t, api, netfilter)
  await watched.synced
  await turns()
  t.equal(netfilter.applied, 0)
  release.resolve()
  await proxy.synced
  t.ok(netfilter.applied > 0)
})

t.test('after a restart what is right stays untouched, what is stale goes, what is others’ stays', async (t) => {
  const api = await openClusterApi()
  putObjects(api, web)
  putObjects(api, api2)
  const netfilter = createFakeNetfilter('IPv4', strangers)
  const first = startProxy(t, api, netfilter)
  await first.proxy.synced
  await first.end()
  t.match(netfilter.dump('nat'), /10\.1\.0\.3/, 'the rules stay when the proxy stops')

  const writes = netfilter.applied
  const second = startProxy(t, api, netfilter)
  await second.proxy.synced
  t.equal(netfilter.applied, writes, 'nothing to write')
  await second.end()

  api.drop('services', 'default/api')
  await startProxy(t, api, netfilter).proxy.synced
  t.same(chainsOf(netfilter), chainsOf(await loadRules([web], undefined, createFakeNetfilter('IPv4', strangers))))
})

t.test('somebody flushes, deletes or empties: healed at the next look', async (t) => {
  const api = await openClusterApi()
  putObjects(api, web)
  const { netfilter, watched, looks } = countedLooks()
  const { proxy } = startProxy(t, api, watched, { checkEveryMs: 10 })
  await proxy.synced
  const whole = chainsOf(netfilter)
  const chains = Object.keys(whole).filter((name) => name.startsWith('nat '))
  const service = chains.find((name) => name.includes('-SVC-'))?.slice(4) ?? ''
  const prerouting = chainName('PREROUTING')
  const jump = parseSave(netfilter.dump('nat')).get(prerouting)?.rules[0]
  if (jump === undefined) throw new Error('no jump')
  const empty = (chain: string) => ({ name: chainName(chain), rules: [] })
  const stray = rule`-p tcp -j DNAT --to-destination 192.0.2.1:80`
  const damage: Readonly<Record<string, Omit<TableEdit, 'table'>>> = {
    'iptables -t nat -F': { chains: chains.map((name) => empty(name.slice(4))) },
    'a jump is deleted': { chains: [], commands: [{ verb: '-D', chain: prerouting, rule: jump }] },
    'a chain of a Service is emptied': { chains: [empty(service)] },
    'a rule more, first': { chains: [], commands: [{ verb: '-I', chain: chainName(service), rule: stray }] },
    'a rule more, last, in a fixed chain': {
      chains: [],
      commands: [{ verb: '-A', chain: chainName('PODWAY-FOREIGN'), rule: stray }],
    },
  }
  for (const [name, edit] of Object.entries(damage)) {
    await netfilter.apply([{ table: 'nat', ...edit }])
    t.not(JSON.stringify(chainsOf(netfilter)), JSON.stringify(whole), name)
    await until(() => JSON.stringify(chainsOf(netfilter)) === JSON.stringify(whole), `healing after: ${name}`)
  }
  const writes = netfilter.applied
  const before = looks()
  await until(() => looks() > before + 3, 'some looks')
  t.equal(netfilter.applied, writes, 'looking writes nothing')
})

t.test('a restore that fails is made good, whatever it left behind', async (t) => {
  const api = await openClusterApi()
  putObjects(api, web)
  const real = createFakeNetfilter()
  let broken = false
  const netfilter: Netfilter = {
    ...real,
    apply: async (edits) => {
      const [first, ...rest] = edits
      if (!broken || rest.length === 0) return real.apply(edits)
      broken = false
      if (first) await real.apply([first])
      throw new CommandError('iptables-restore', 4, 'Another app is currently holding the xtables lock')
    },
  }
  const { proxy } = startProxy(t, api, netfilter)
  await proxy.synced
  broken = true
  api.drop('endpointslices', 'default/web-1')
  await until(() => !broken, 'the failure')
  const wanted = JSON.stringify(chainsOf(await loadRules([{ ...web, slices: [] }])))
  await until(() => JSON.stringify(chainsOf(real)) === wanted, 'the repair')
  t.match(real.dump('filter'), /default\/web:http\/tcp has no endpoints/)
})

t.test('clean-up gives the tables back as they were', async (t) => {
  const api = await openClusterApi()
  putObjects(api, web)
  const netfilter = createFakeNetfilter('IPv4', strangers)
  const before = [netfilter.dump('nat'), netfilter.dump('filter')]
  const { proxy, end } = startProxy(t, api, netfilter)
  await proxy.synced
  await end()
  await netfilter.apply([
    {
      table: 'filter',
      chains: [],
      commands: [{ verb: '-A', chain: chainName('OUTPUT'), rule: rule`-j PODWAY-REFUSE` }],
    },
  ])
  await cleanupProxy(netfilter)
  t.same([netfilter.dump('nat'), netfilter.dump('filter')], before)
  const writes = netfilter.applied
  await cleanupProxy(netfilter)
  t.equal(netfilter.applied, writes, 'a second time there is nothing to do')
})

t.test('the zone is that of this node alone, as it is now', async (t) => {
  const nodeOf = (name: string, zone: string | undefined): Node => ({
    ...{ apiVersion: 'v1', kind: 'Node' },
    metadata: { name, labels: zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone } },
  })
  const drafts = ['z1', 'z2'].map((zone, at) => ({ address: `10.1.9.${at + 1}`, forZones: [zone] }))
  const hinted: Objects = { service: makeService(), slices: [makeSlice(drafts)] }
  const api = await openClusterApi()
  putObjects(api, hinted)
  const nodes = createFedInformer([nodeOf('away', 'z2'), nodeOf('here', 'z1')])
  const netfilter = createFakeNetfilter()
  const { proxy } = startProxy(t, api, netfilter, { nodes })
  const inZone = async (zone: string | undefined) =>
    JSON.stringify(chainsOf(await loadRules([hinted], makeContext({ zone }))))
  const now = () => JSON.stringify(chainsOf(netfilter))
  await proxy.synced
  // The copy is told of its nodes as one that is listed.
  nodes.put(nodeOf('here', 'z1'))
  await until(async () => now() === (await inZone('z1')), 'the rules of its zone')
  const writes = netfilter.applied
  nodes.put(nodeOf('away', 'z3'), nodeOf('another', 'z2'))
  putObjects(api, api2)
  await until(() => netfilter.applied > writes, 'the next write')
  t.equal(
    JSON.stringify(chainsOf(netfilter)),
    JSON.stringify(chainsOf(await loadRules([hinted, api2], makeContext({ zone: 'z1' })))),
  )
  api.drop('services', 'default/api')
  nodes.put(nodeOf('here', 'z2'))
  await until(async () => now() === (await inZone('z2')), 'another zone')
  nodes.put(nodeOf('here', undefined))
  await until(async () => now() === (await inZone(undefined)), 'no zone')
  t.not(await inZone('z1'), await inZone('z2'), 'which differ')
})

t.test('nonsense in the options is refused, nonsense in a Service is told once', async (t) => {
  const api = await openClusterApi()
  putObjects(api, { service: makeService({ externalIPs: ['nowhere'] }), slices: [] })
  const told: unknown[] = []
  const log = { ...silentLogger, info: () => {}, debug: () => {}, warn: (text: unknown) => told.push(text) }
  const netfilter = createFakeNetfilter()
  const running = startProxy(t, api, netfilter, { log: log as unknown as typeof silentLogger })
  await running.proxy.synced
  const writes = netfilter.applied
  api.put('endpointslices', makeSlice([{ address: '10.1.0.2' }]))
  await until(() => netfilter.applied > writes, 'another sync of the Service')
  t.same(told, ['Service default/web: "nowhere" makes no sense'])
  const { watched, slices } = running
  const create = (podCIDRs: readonly string[]) =>
    createServiceProxy({
      ...{ services: watched, slices, netfilter, nodeName: 'here', podCIDRs, log: silentLogger },
      writeSysctl: async () => undefined,
    })
  t.throws(() => create(['10.1.0.0/99']), { message: /"10.1.0.0\/99" is not an address range/ })
  t.doesNotThrow(() => create(['fd00::/64']), 'a range of the other family is no mistake')
})

t.test('a Service that cannot be read has no rules, and the others have theirs', async (t) => {
  const api = await openClusterApi()
  putObjects(api, web)
  const spec = JSON.parse('{"clusterIP":"10.96.0.50","ports":[null]}')
  const broken: Service = { ...makeService({ name: 'broken' }), spec }
  api.put('services', broken, 'asIs')
  const told: unknown[] = []
  const log = { ...silentLogger, info: () => {}, debug: () => {}, warn: (text: unknown) => told.push(text) }
  const netfilter = createFakeNetfilter()
  const { proxy } = startProxy(t, api, netfilter, { log: log as unknown as typeof silentLogger })
  await proxy.synced
  await holds(netfilter, [web], 'the other Service')
  t.match(told, [/Service default\/broken has no rules: it cannot be read/])
})

/** A logger of which the warnings can be read. */
const warningsOf = () => {
  const { log, messages } = recordingLog()
  return { log, messages, warned: (pattern: RegExp) => messages.filter((text) => pattern.test(text)).length }
}

t.test('node ports at loopback need a kernel parameter: in IPv4, and where they are asked for', async (t) => {
  const written = async (options: Partial<ServiceProxyOptions>, netfilter = createFakeNetfilter()) => {
    const api = await openClusterApi()
    putObjects(api, web)
    const keys: string[] = []
    const writeSysctl = async (key: string, value: string) => void keys.push(`${key}=${value}`)
    const { proxy, end } = startProxy(t, api, netfilter, { writeSysctl, ...options })
    await proxy.synced
    await end()
    return keys
  }
  t.same(await written({ localhostNodePorts: true }), ['net.ipv4.conf.all.route_localnet=1'])
  t.same(await written({}), [])
  t.same(await written({ localhostNodePorts: true }, createFakeNetfilter('IPv6')), [])

  const { log, warned } = warningsOf()
  const netfilter = createFakeNetfilter()
  const writeSysctl = () => Promise.reject(new Error('read-only file system'))
  await written({ localhostNodePorts: true, writeSysctl, log }, netfilter)
  t.equal(warned(/no node ports at 127.0.0.1/), 1)
  t.match(netfilter.dump('nat'), /10\.96\.0\.10/, 'all other rules are there')
})

t.test('options become rules', async (t) => {
  const api = await openClusterApi()
  const nodePort = { ...web, service: makeService({ type: 'NodePort', ports: [{ ...webPort, nodePort: 30_080 }] }) }
  putObjects(api, nodePort)
  const rulesOf = async (options: Partial<ServiceProxyOptions>) => {
    const netfilter = createFakeNetfilter()
    const { proxy, end } = startProxy(t, api, netfilter, options)
    await proxy.synced
    await end()
    return chainsOf(netfilter)
  }
  const wanted = async (context: Parameters<typeof makeContext>[0]) =>
    chainsOf(await loadRules([nodePort], makeContext(context)))
  t.same(await rulesOf({}), await wanted({}))
  t.same(await rulesOf({ masqueradeMark: 0x80 }), await wanted({ masqueradeMark: 0x80 }))
  t.same(await rulesOf({ masqueradeAll: true }), await wanted({ masqueradeAll: true }))
  t.same(await rulesOf({ dropInvalid: false }), await wanted({ dropInvalid: false }))
  t.same(await rulesOf({ podCIDRs: ['fd00:1::/64'] }), await wanted({ podRanges: [] }))
  t.same(await rulesOf({ serviceCIDRs: [] }), await wanted({ serviceRanges: [] }))
  t.same(await rulesOf({ proxyName: 'edge' }), await wanted({ proxyName: 'edge' }))
  const ranges = cidrsIn(['192.0.2.0/24'], 'IPv4')
  t.same(
    await rulesOf({ nodePortAddresses: ['192.0.2.0/24', '2001:db8::/32'] }),
    await wanted({ nodePortRanges: ranges }),
  )
  t.not(JSON.stringify(await wanted({ nodePortRanges: ranges })), JSON.stringify(await wanted({})))
})

t.test('what nodes serve themselves is not forwarded, and again when nodes come and go', async (t) => {
  const api = await openClusterApi()
  const at = (name: string, externalIPs: string[], port: number): Objects => ({
    service: makeService({ name, clusterIP: `10.96.1.${port & 255}`, externalIPs, ports: [{ name: 'http', port }] }),
    slices: [makeSlice([{ address: '10.1.0.2', node: 'here' }], { service: name })],
  })
  const kubelet = at('kubelet', ['172.30.0.11', '172.30.0.12', '203.0.113.5'], 10_250)
  putObjects(api, kubelet)
  putObjects(api, at('plain', ['172.30.0.11'], 80))
  const nodeOf = (name: string, ...addresses: string[]): Node => ({
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name } },
    status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
  })
  const nodes = createFedInformer<Node>([nodeOf('one', '172.30.0.11')])
  const netfilter = createFakeNetfilter()
  const { proxy } = startProxy(t, api, netfilter, {
    ...{ nodes, nodeAddresses: ['172.30.0.9'], isOwnAddress: (address) => address === '172.30.0.8' },
    reserved: { ports: new Set(['tcp 10250']), places: new Set() },
  })
  const forwarded = () =>
    ['172.30.0.8', '172.30.0.9', '172.30.0.11', '172.30.0.12', '203.0.113.5'].filter((address) =>
      new RegExp(`-d ${address}/32 -p tcp -m tcp --dport 10250`).test(netfilter.dump('nat')),
    )
  const becomes = (addresses: readonly string[], what: string) =>
    until(() => JSON.stringify(forwarded()) === JSON.stringify(addresses), what)
  await proxy.synced
  await becomes(['172.30.0.12', '203.0.113.5'], 'the place of a node to be left alone')
  t.match(netfilter.dump('nat'), /-d 172.30.0.11\/32 -p tcp -m tcp --dport 80 /, 'other ports are free')
  nodes.put(nodeOf('two', '172.30.0.12'))
  await becomes(['203.0.113.5'], 'the place of a new node')
  nodes.put(nodeOf('one', '172.30.0.13'))
  await becomes(['172.30.0.11', '203.0.113.5'], 'a node to move')
  nodes.remove('two')
  await becomes(['172.30.0.11', '172.30.0.12', '203.0.113.5'], 'a node to go')
  putObjects(api, at('kubelet', ['172.30.0.8', '172.30.0.9', '203.0.113.5'], 10_250))
  await becomes(['203.0.113.5'], 'the places of this node')
  const writes = netfilter.applied
  nodes.put(nodeOf('one', '172.30.0.13'))
  await turns()
  t.equal(netfilter.applied, writes, 'a node that stays where it is changes nothing')
})

t.test('the places of a load balancer are left alone, too', async (t) => {
  const api = await openClusterApi()
  const service = makeService({
    ...{ type: 'LoadBalancer', ingress: [{ ip: '172.30.0.11' }] },
    ports: [{ name: 'http', port: 53, protocol: 'UDP' }],
  })
  const slices = [makeSlice([{ address: '10.1.0.2' }], { ports: [{ name: 'http', port: 5353, protocol: 'UDP' }] })]
  putObjects(api, { service, slices })
  const nodes = createFedInformer<Node>()
  const netfilter = createFakeNetfilter()
  const reserved = { ports: new Set(['udp 53']), places: new Set<string>() }
  const { proxy } = startProxy(t, api, netfilter, { nodes, reserved })
  await proxy.synced
  const isForwarded = () => netfilter.dump('nat').includes('-d 172.30.0.11/32')
  t.equal(isForwarded(), true)
  nodes.put({
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'one' } },
    status: { addresses: [{ type: 'InternalIP', address: '172.30.0.11' }] },
  })
  await until(() => !isForwarded(), 'the place to be left to the node')
})

t.test('followers and relays hear of every Service, and of what is written', async (t) => {
  const api = await openClusterApi()
  putObjects(api, web)
  putObjects(api, { ...api2, service: makeService({ name: 'api', clusterIP: '10.96.0.11', annotations: relayed }) })
  const heard: string[] = []
  let relayPort: number | undefined
  const relays: Relays = {
    place: (service, portals) => {
      heard.push(`place ${service} ${portals.flatMap(({ endpoints }) => endpoints.map(({ address }) => address))}`)
      const [portal] = portals
      return new Map(portal && relayPort !== undefined ? [[portal.id, relayPort]] : [])
    },
    written: () => heard.push(`written ${rulesWritten()}`),
  }
  const follower: PortFollower = {
    set: (service, ports, places) => heard.push(`set ${service} ${ports.length} ${[...places.values()]}`),
    written: () => heard.push('followers'),
  }
  const netfilter = createFakeNetfilter()
  const rulesWritten = () => (netfilter.dump('nat').includes('10.96.0.11') ? 'api' : 'nothing')
  const { proxy } = startProxy(t, api, netfilter, { relays, followers: [follower] })
  await proxy.synced
  t.same(
    [...heard.splice(0)].sort(),
    [
      ...['followers', 'place default/api 10.1.0.3', 'place default/web ', 'set default/api 1 ', 'set default/web 1 '],
      'written api',
    ],
    'nothing is said to be written before it is',
  )
  t.match(netfilter.dump('nat'), /--to-destination 10.1.0.3:8080/, 'until the relay listens the kernel translates')
  relayPort = 40_000
  proxy.refresh('default/api')
  await until(() => netfilter.dump('nat').includes('REDIRECT --to-ports 40000'), 'the relay')
  t.notMatch(netfilter.dump('nat'), /--to-destination 10.1.0.3:8080/)
  t.same(heard.splice(0), ['place default/api 10.1.0.3', 'set default/api 1 40000', 'written api', 'followers'])
  api.drop('services', 'default/api')
  await until(() => !netfilter.dump('nat').includes('10.96.0.11'), 'its end')
  t.same(heard.slice(0, 2), ['place default/api ', 'set default/api 0 '])
})

t.test('relayed by default, but for those that say otherwise', async (t) => {
  const api = await openClusterApi()
  putObjects(api, web)
  putObjects(api, {
    ...api2,
    service: makeService({
      name: 'api',
      clusterIP: '10.96.0.11',
      annotations: { 'podway.dev/proxy-mode': 'iptables' },
    }),
  })
  const placed: string[] = []
  const relays: Relays = {
    place: (service, portals) => {
      if (portals.length > 0) placed.push(service)
      return new Map(portals.map(({ id }) => [id, 40_000]))
    },
    written: () => undefined,
  }
  const netfilter = createFakeNetfilter()
  const { proxy } = startProxy(t, api, netfilter, { relays, relayByDefault: true })
  await proxy.synced
  t.same(placed, ['default/web'])
  t.match(netfilter.dump('nat'), /--to-destination 10.1.0.3:8080/)
  t.notMatch(netfilter.dump('nat'), /--to-destination 10.1.0.2:8080/)
})

t.test('an observer hears of changes, and how each sync begins and ends', async (t) => {
  const api = await openClusterApi()
  const netfilter = createFakeNetfilter()
  const clock = createFakeClock()
  const heard: unknown[] = []
  let isBroken = false
  const watched: Netfilter = {
    ...netfilter,
    apply: async (edits) => {
      clock.advance(1_500)
      if (isBroken) throw new CommandError('iptables-restore', 4, 'Another app is currently holding the xtables lock')
      await netfilter.apply(edits)
    },
  }
  const observer: ProxyObserver = {
    changed: (...told) => heard.push(['changed', ...told]),
    started: (...told) => heard.push(['started', ...told]),
    synced: (family, { kind, seconds, written }) => heard.push(['synced', family, kind, seconds, written]),
    failed: (...told) => heard.push(['failed', ...told]),
  }
  const { log, warned } = warningsOf()
  const { proxy } = startProxy(t, api, watched, { observer, clock, log })
  await proxy.synced
  t.same(heard.splice(0), [
    ['started', 'IPv4', 'full'],
    ['synced', 'IPv4', 'full', 1.5, proxy.rules()],
  ])
  const [slice] = web.slices
  if (!slice) throw new Error('no slice')
  const trigger = '2026-01-02T03:04:05Z'
  const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': trigger }
  api.put('services', web.service)
  await until(() => heard.length === 3, 'the Service')
  t.same(heard.splice(0), [
    ['changed', 'IPv4', 'service'],
    ['started', 'IPv4', 'partial'],
    ['synced', 'IPv4', 'partial', 1.5, { nat: 0, filter: 2 }],
  ])
  api.put('endpointslices', { ...slice, metadata: { ...slice.metadata, annotations } })
  await until(() => heard.length === 3, 'its endpoints')
  t.same(heard.splice(0)[0], ['changed', 'IPv4', 'endpoints', Date.parse(trigger)])
  isBroken = true
  api.put('endpointslices', makeSlice([{ address: '10.1.0.9' }]))
  await until(() => heard.length >= 3, 'the failure')
  t.same(heard.splice(0, 3), [
    ['changed', 'IPv4', 'endpoints', undefined],
    ['started', 'IPv4', 'partial'],
    ['failed', 'IPv4', 'partial'],
  ])
  t.ok(warned(/cannot write the rules of Services/) > 0)
  isBroken = false
  await until(() => {
    clock.advance(1_000)
    return netfilter.dump('nat').includes('10.1.0.9')
  }, 'the next try')
  t.match(
    heard.filter((one) => JSON.stringify(one).includes('full')).slice(-2),
    [['started'], ['synced', 'IPv4', 'full']],
    'after a failure all is read back',
  )
})

t.test('Services that policy Local leaves without an endpoint are counted, as long as it does', async (t) => {
  const api = await openClusterApi()
  const far = makeSlice([{ address: '10.1.9.2', node: 'away' }])
  const service = makeService({ internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local', type: 'NodePort' })
  const withPort = { ...service, spec: { ...service.spec, ports: [{ ...webPort, nodePort: 30_080 }] } }
  putObjects(api, { service: withPort, slices: [far] })
  putObjects(api, {
    service: makeService({ name: 'api', clusterIP: '10.96.0.11', internalTrafficPolicy: 'Local' }),
    slices: [makeSlice([{ address: '10.1.9.3', node: 'away' }], { service: 'api' })],
  })
  const { proxy } = startProxy(t, api, createFakeNetfilter())
  await proxy.synced
  t.same(proxy.withoutLocalEndpoints(), { internal: 2, external: 1 })
  api.put('endpointslices', makeSlice([{ address: '10.1.0.2', node: 'here' }]))
  await until(() => proxy.withoutLocalEndpoints().internal === 1, 'an endpoint here')
  t.same(proxy.withoutLocalEndpoints(), { internal: 1, external: 0 })
  api.drop('services', 'default/api')
  await until(() => proxy.withoutLocalEndpoints().internal === 0, 'the end of the Service')
})

t.test('what no connection knows is counted as it is dropped', async (t) => {
  const api = await openClusterApi()
  const counted = new Map<string, readonly CountedRule[]>()
  const netfilter = Object.assign(createFakeNetfilter(), { counts: async () => counted })
  const { proxy } = startProxy(t, api, netfilter)
  await proxy.synced
  t.equal(await proxy.invalidDropped(), 0)
  const [saved] = parseSave(':X - [0:0]\n-A X -j DROP\n').get('X')?.rules ?? []
  if (saved === undefined) throw new Error('no rule')
  const drop = { rule: saved, packets: 3 }
  counted.set('PODWAY-GUARD', [drop, { ...drop, packets: 4 }])
  counted.set('PODWAY-REFUSE', [drop])
  t.equal(await proxy.invalidDropped(), 7)
})

t.test('a problem is told once, and again when it comes back', async (t) => {
  const api = await openClusterApi()
  const { log, warned } = warningsOf()
  const netfilter = createFakeNetfilter()
  const { proxy } = startProxy(t, api, netfilter, { log })
  await proxy.synced
  const put = async (externalIPs: string[], clusterIP: string) => {
    api.put('services', makeService({ externalIPs, clusterIP }))
    await until(() => netfilter.dump('filter').includes(`-d ${clusterIP}/32`), clusterIP)
  }
  await put(['nowhere'], '10.96.0.20')
  await put(['nowhere'], '10.96.0.21')
  t.equal(warned(/"nowhere" makes no sense/), 1)
  await put([], '10.96.0.22')
  await put(['nowhere'], '10.96.0.23')
  t.equal(warned(/"nowhere" makes no sense/), 2)
})

t.test('it looks every so often, and not after its end', async (t) => {
  const api = await openClusterApi()
  putObjects(api, web)
  const clock = createFakeClock()
  const { netfilter, watched, looks } = countedLooks()
  const { log, warned } = warningsOf()
  const { proxy, end } = startProxy(t, api, watched, { clock, log })
  await proxy.synced
  await turns()
  t.equal(looks(), 0)
  for (const wanted of [1, 2]) {
    const before = looks()
    clock.advance(4_999)
    await turns()
    t.equal(looks(), before)
    clock.advance(1)
    await until(() => looks() > before, `look ${wanted}`)
  }
  t.equal(warned(/somebody changed the rules/), 0)
  await netfilter.apply([{ table: 'nat', chains: [{ name: chainName('PODWAY-FOREIGN'), rules: [] }] }])
  clock.advance(5_000)
  await until(() => warned(/somebody changed the rules of Services/) === 1, 'the warning')
  await until(() => /-A PODWAY-FOREIGN/.test(netfilter.dump('nat')), 'the rules to be mended')
  await end()
  const after = looks()
  clock.advance(60_000)
  await turns()
  t.equal(looks(), after)
})

t.test('one that is ended before the lists are in writes nothing', async (t) => {
  const api = await openClusterApi()
  putObjects(api, web)
  const release = Promise.withResolvers<void>()
  api.interfere((request) => (request.path.includes('endpointslices') ? release.promise : undefined))
  const netfilter = createFakeNetfilter()
  const { end } = startProxy(t, api, netfilter)
  await turns()
  const ended = end()
  release.resolve()
  await ended
  t.equal(netfilter.applied, 0)
})
