/** Any sequence of changes leaves what a fresh start would make, and at no moment does a packet go astray. */
import t from 'tap'
import type { Service } from '../../../../src/api/types/index.ts'
import { createFakeNetfilter, type FakeNetfilter } from '../../../../src/host/netfilter/fake.ts'
import type { Netfilter } from '../../../../src/host/netfilter/netfilter.ts'
import { type TracedTables, tracePacket } from '../../../../src/host/netfilter/trace.ts'
import { frameJumps } from '../../../../src/proxy/iptables/frame.ts'
import { createKernelRules } from '../../../../src/proxy/iptables/kernel.ts'
import { compileService, createWantedChains } from '../../../../src/proxy/iptables/wanted.ts'
import { rounds, seedOr } from '../../../support/rounds.ts'
import { createRandom } from '../support/random.ts'
import { chainsOf, loadRules, makeContext, tracedTables } from '../support/rules.ts'
import { createWorld } from '../support/world.ts'

const context = makeContext()
const jumps = frameJumps(context)

/** A kernel in which every edit of a restore is a moment of its own. */
const withMoments = (netfilter: FakeNetfilter, look: () => void): Netfilter => ({
  family: netfilter.family,
  save: netfilter.save,
  list: netfilter.list,
  counts: netfilter.counts,
  apply: async (edits) => {
    for (const edit of edits) {
      await netfilter.apply([edit])
      look()
    }
  },
})

t.test('many changes, one at a time or some together', async (t) => {
  const changes = rounds(200, 200)
  for (let seed = seedOr(1), last = seed + rounds(6, 60); seed < last; seed++) {
    const random = createRandom(seed)
    const world = createWorld(random, 90)
    const netfilter = createFakeNetfilter()
    const kernel = createKernelRules(netfilter, jumps)
    const wanted = createWantedChains(context)
    await kernel.repair(wanted.all())
    for (let step = 0; step < changes; ) {
      const batch = Math.min(changes - step, random.pick([1, 1, 1, 2, 25]))
      const keys = new Set(Array.from({ length: batch }, () => world.change()))
      step += batch
      for (const key of keys) {
        const found = world.objects.get(key)
        wanted.replace(key, found && compileService(found.service, found.slices, context))
      }
      await kernel.advance(wanted.takeChange())
    }
    const fresh = await loadRules([...world.objects.values()])
    t.ok(world.objects.size > changes / 4)
    t.same(chainsOf(netfilter), chainsOf(fresh), `seed ${seed}`)
    t.ok(await kernel.isIntact())
  }
})

/** Where new connections from a pod to the cluster address end. */
const endsOf = (tables: TracedTables, service: Service): readonly string[] => {
  const [port] = service.spec.ports ?? []
  const packet = { from: '10.1.0.99', to: service.spec.clusterIP ?? '', port: port?.port ?? 0 }
  return tracePacket(tables, packet, { addresses: [] }).map(({ verdict, to }) => `${verdict} ${to}`)
}

t.test('a connection to a Service that stays is served or turned away, at every moment', async (t) => {
  const random = createRandom(7)
  const world = createWorld(random, 40)
  const netfilter = createFakeNetfilter()
  const wanted = createWantedChains(context)
  let staying: readonly Service[] = []
  let moments = 0
  const astray: string[] = []
  const kernel = createKernelRules(
    withMoments(netfilter, () => {
      moments++
      const tables = tracedTables(netfilter)
      for (const service of staying)
        if (endsOf(tables, service).includes(`accept ${service.spec.clusterIP}`))
          astray.push(`${service.metadata.name} at moment ${moments}`)
    }),
    jumps,
  )
  await kernel.repair(wanted.all())
  const steps = rounds(50, 50)
  for (let step = 0; step < steps; step++) {
    const before = new Map(world.objects)
    const keys = new Set(Array.from({ length: random.pick([1, 2, 10]) }, () => world.change()))
    staying = [...world.objects].flatMap(([key, { service }]) => {
      const old = before.get(key)?.service
      const same = old && JSON.stringify(old.spec) === JSON.stringify(service.spec)
      return same && service.spec.clusterIP !== 'None' ? [service] : []
    })
    for (const key of keys) {
      const found = world.objects.get(key)
      wanted.replace(key, found && compileService(found.service, found.slices, context))
    }
    await kernel.advance(wanted.takeChange())
  }
  t.ok(moments > steps)
  t.same(astray, [])
})

t.test('a change of one endpoint writes that Service and nothing else', async (t) => {
  const world = createWorld(createRandom(3), 90)
  for (let step = 0; step < 400; step++) world.change()
  const wanted = createWantedChains(context)
  for (const [key, { service, slices }] of world.objects) wanted.replace(key, compileService(service, slices, context))
  const netfilter = createFakeNetfilter()
  const kernel = createKernelRules(netfilter, jumps)
  await kernel.repair(wanted.all())
  wanted.takeChange()
  const before = chainsOf(netfilter)
  const [key, objects] = [...world.objects].find(([, { service }]) => service.spec.clusterIP !== 'None') ?? []
  if (!key || !objects) throw new Error('no Service in the world')
  const [slice] = objects.slices
  if (!slice) throw new Error('no slice')
  const endpoints = [{ addresses: ['10.200.0.1'] }, { addresses: ['10.200.0.2'] }]
  const steps = [endpoints, [...endpoints, { addresses: ['10.200.0.3'] }]]
  for (const now of steps) {
    wanted.replace(key, compileService(objects.service, [{ ...slice, endpoints: now }], context))
    await kernel.advance(wanted.takeChange())
  }
  const after = chainsOf(netfilter)
  const changed = Object.keys(after).filter((name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]))
  t.ok(changed.length > 0)
  t.ok(changed.length < 12, changed.join(', '))
  const writes = netfilter.applied
  wanted.replace(key, compileService(objects.service, [{ ...slice, endpoints: steps[1] ?? [] }], context))
  t.equal((await kernel.advance(wanted.takeChange())).restores, 0)
  t.equal(netfilter.applied, writes, 'the same again writes nothing')
})
