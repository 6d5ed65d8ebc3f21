import t from 'tap'
import type { Node, Service } from '../../../../src/api/types/index.ts'
import { CommandError } from '../../../../src/host/command.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { createFakeNetfilter, type FakeNetfilter } from '../../../../src/host/netfilter/fake.ts'
import type { Netfilter } from '../../../../src/host/netfilter/netfilter.ts'
import { chainName, rule } from '../../../../src/host/netfilter/rule.ts'
import { parseSave, type TableEdit } from '../../../../src/host/netfilter/tables.ts'
import { cleanupProxy } from '../../../../src/proxy/iptables/kernel.ts'
import { createServiceProxy } from '../../../../src/proxy/iptables/service-proxy.ts'
import { openClusterApi } from '../../../support/cluster-api.ts'
import { createFedInformer } from '../../../support/fed-informer.ts'
import { until } from '../../../support/until.ts'
import { makeService, makeSlice } from '../support/objects.ts'
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

const holds = async (netfilter: FakeNetfilter, objects: readonly Objects[], what: string): Promise<void> => {
  const wanted = JSON.stringify(chainsOf(await loadRules(objects)))
  await until(() => JSON.stringify(chainsOf(netfilter)) === wanted, what)
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
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
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
  const netfilter = createFakeNetfilter()
  let looks = 0
  const watched: Netfilter = {
    ...netfilter,
    list: (questions) => {
      looks++
      return netfilter.list(questions)
    },
  }
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
  const before = looks
  await until(() => looks > before + 3, 'some looks')
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
    createServiceProxy({ services: watched, slices, netfilter, nodeName: 'here', podCIDRs, log: silentLogger })
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
