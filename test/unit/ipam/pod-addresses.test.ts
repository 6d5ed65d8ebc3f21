import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createFileLeaseStore, createMemoryLeaseStore, type LeaseStore } from '../../../src/ipam/lease-store.ts'
import { gatewayOf, openPodAddresses, type PodAddresses } from '../../../src/ipam/pod-addresses.ts'

const folder = await mkdtemp(join(tmpdir(), 'podway-leases-'))
t.teardown(() => rm(folder, { recursive: true }))

const stores: readonly (readonly [string, () => LeaseStore])[] = [
  ['memory', createMemoryLeaseStore],
  ['file', () => createFileLeaseStore(join(folder, `contract-${Date.now()}.json`))],
]

for (const [name, create] of stores)
  t.test(`lease store: ${name}`, async (t) => {
    const store = create()
    t.same(await store.load(), [], 'empty at first')
    const lease = { owner: 'a', addresses: ['10.244.1.2', 'fd00::2'], since: 5 }
    await store.replace([lease])
    t.same(await store.load(), [lease])
    await store.replace([])
    t.same(await store.load(), [])
  })

t.test('addresses', async (t) => {
  const store = createMemoryLeaseStore()
  const open = () => openPodAddresses({ podCIDRs: ['10.244.1.0/29', 'fd00:1::/64'], store })
  const addresses = await open()
  t.same(await addresses.assign('a'), ['10.244.1.2', 'fd00:1::2'], 'neither network nor gateway')
  t.same(await addresses.assign('a'), ['10.244.1.2', 'fd00:1::2'], 'the same again')
  t.same((await addresses.assign('b'))[0], '10.244.1.3')
  await addresses.release('a')
  await addresses.release('a')
  t.same((await addresses.assign('c'))[0], '10.244.1.4', 'not the one that was just freed')

  const again = await open()
  t.same(
    again
      .list()
      .map(({ owner }) => owner)
      .sort(),
    ['b', 'c'],
    'remembered',
  )
  await again.retain((owner) => owner === 'c')
  t.same(
    (await open()).list().map(({ owner }) => owner),
    ['c'],
  )
  for (const owner of ['d', 'e', 'f', 'g']) await again.assign(owner)
  await t.rejects(again.assign('h'), { name: 'PoolExhausted' }, 'five hosts in a /29 beside the gateway')
  t.notOk(
    again.list().some(({ owner }) => owner === 'h'),
    'nothing half-made',
  )

  const moved = await openPodAddresses({ podCIDRs: ['10.244.9.0/24', 'fd00:1::/64'], store })
  t.same(moved.list(), [], 'leases of another network are dropped')
})

t.test('what is no lease file is set aside, and nobody gets what a living pod has', async (t) => {
  const file = join(folder, 'bad.json')
  const find = async () => [{ owner: 'alive', addresses: ['10.244.1.2'] }]
  for (const text of ['{', '{"a":1}', '[{"owner":"a","addresses":["10.0.0.999"],"since":1}]', '']) {
    await writeFile(file, text)
    await t.rejects(createFileLeaseStore(file).load(), /bad\.json is /, 'who only looks changes nothing')
    const told: string[] = []
    const store = createFileLeaseStore(file, { find, onDamage: (message) => told.push(message) })
    const addresses = await openPodAddresses({ podCIDRs: ['10.244.1.0/29'], store })
    t.same((await addresses.assign('new'))[0], '10.244.1.3')
    t.same((await addresses.assign('alive'))[0], '10.244.1.2', 'its own again')
    t.match(
      told.join('\n'),
      /bad\.json is .*set aside as bad\.json\.damaged-[\s\S]*took the leases of 1 address from the network/,
    )
  }
})

t.test('a freed address rests, over restarts too, while there are others', async (t) => {
  const store = createMemoryLeaseStore()
  let now = 1_000
  const clock = { now: () => now, after: () => () => undefined }
  const open = () => openPodAddresses({ podCIDRs: ['10.244.1.0/29'], store, clock, restMs: 30_000 })
  const first = await open()
  for (const owner of ['a', 'b', 'c', 'd']) {
    now++
    await first.assign(owner)
  }
  await first.release('b')
  const second = await open()
  now++
  t.same(await second.assign('e'), ['10.244.1.6'], 'the turn goes on where it was')
  await second.release('e')
  now++
  t.same(await second.assign('f'), ['10.244.1.3'], 'nothing else is left: the one that rested longest')
  await second.release('d')
  now += 30_001
  const third = await open()
  t.same(await third.assign('g'), ['10.244.1.5'])
  t.same(
    third.list().map(({ owner }) => owner),
    ['a', 'c', 'f', 'g'],
  )
})

/** Fails so many times, and works then. */
const createFailingStore = (failures: number) => {
  const store = createMemoryLeaseStore()
  let left = failures
  return {
    load: store.load,
    replace: async (leases: Parameters<LeaseStore['replace']>[0]) => {
      if (left-- > 0) throw new Error('disk full')
      await store.replace(leases)
    },
  }
}

const ownersIn = async (store: LeaseStore): Promise<readonly string[]> =>
  (await store.load()).filter(({ freed }) => freed === undefined).map(({ owner }) => owner)

t.test('a write that fails is told, and the next one has everything', async (t) => {
  const store = createFailingStore(2)
  const addresses = await openPodAddresses({ podCIDRs: ['10.244.1.0/24'], store })
  const both = await Promise.allSettled([addresses.assign('a'), addresses.assign('b')])
  t.same(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
    'nobody is given what is not durable',
  )
  await t.rejects(addresses.assign('a'), /disk full/, 'a repeated question waits for the disk, too')
  t.same(await addresses.assign('a'), ['10.244.1.2'], 'the same address once it can be written')
  t.same(await ownersIn(store), ['a', 'b'])
})

for (const [name, free] of [
  ['release', (addresses: PodAddresses) => addresses.release('a')],
  ['retain', (addresses: PodAddresses) => addresses.retain(() => false)],
] as const)
  t.test(`${name}: what could not be written is written when it is asked for again`, async (t) => {
    const memory = createMemoryLeaseStore()
    await (await openPodAddresses({ podCIDRs: ['10.244.1.0/24'], store: memory })).assign('a')
    let isFull = true
    const replace: LeaseStore['replace'] = async (leases) => {
      if (isFull) throw new Error('disk full')
      await memory.replace(leases)
    }
    const addresses = await openPodAddresses({ podCIDRs: ['10.244.1.0/24'], store: { ...memory, replace } })
    await t.rejects(free(addresses), /disk full/)
    t.same(await ownersIn(memory), ['a'], 'not written')
    isFull = false
    await free(addresses)
    t.same(await ownersIn(memory), [])
  })

t.test('an address can be asked for', async (t) => {
  const addresses = await openPodAddresses({
    ...{ podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'], store: createMemoryLeaseStore() },
  })
  t.same(await addresses.assign('a', { wanted: ['10.244.1.77'], note: 'hello' }), ['10.244.1.77', 'fd00:1::2'])
  t.same(await addresses.assign('b', { wanted: ['fd00:1::50', '10.244.1.9'] }), ['10.244.1.9', 'fd00:1::50'])
  await t.rejects(addresses.assign('c', { wanted: ['10.244.1.77'] }), { name: 'AddressTaken', message: /held by a/ })
  await t.rejects(addresses.assign('c', { wanted: ['10.244.2.1'] }), { name: 'OutOfRange', message: /10\.244\.1\.0/ })
  await t.rejects(addresses.assign('c', { wanted: ['10.244.1.1'] }), { name: 'OutOfRange' }, 'the gateway')
  t.equal(addresses.list().find(({ owner }) => owner === 'a')?.note, 'hello')
  await addresses.release('a')
  t.same(await addresses.assign('c', { wanted: ['10.244.1.77'] }), ['10.244.1.77', 'fd00:1::3'], 'rest or no rest')
})

t.test('a write that was cut off at any byte leaves the file as it was', async (t) => {
  const file = join(folder, 'cut.json')
  const store = createFileLeaseStore(file)
  const before = [{ owner: 'a', addresses: ['10.244.1.2'], since: 1 }]
  await store.replace(before)
  const after = JSON.stringify([...before, { owner: 'b', addresses: ['10.244.1.3'], since: 2 }])
  for (let length = 0; length <= after.length; length++) {
    // What a process that was killed while it wrote leaves behind.
    await writeFile(`${file}.${length}.tmp`, after.slice(0, length))
    t.same(await store.load(), before)
  }
})

t.test('the gateway is the first address', async (t) => {
  t.equal(gatewayOf('10.244.3.0/24'), '10.244.3.1')
  t.equal(gatewayOf('fd00:3::/64'), 'fd00:3::1')
})

t.test('an address has rested when its time is over, and not before', async (t) => {
  let now = 1_000
  const clock = { now: () => now, after: () => () => undefined }
  const store = createMemoryLeaseStore()
  const open = () => openPodAddresses({ podCIDRs: ['10.244.1.0/29'], store, clock, restMs: 100 })
  const restingIn = async () =>
    (await store.load()).filter(({ freed }) => freed !== undefined).map(({ owner }) => owner)
  const addresses = await open()
  await addresses.assign('a')
  await addresses.release('a')
  now += 50
  await addresses.assign('b')
  await addresses.release('b')
  now += 49
  await addresses.assign('c')
  t.same(await restingIn(), ['a', 'b'])
  now += 1
  await addresses.assign('d')
  t.same(await restingIn(), ['b'], 'the first has rested for 100 ms')
  now += 50
  await addresses.assign('e')
  t.same(await restingIn(), [])
})

t.test('a note is kept, and one that changes is written', async (t) => {
  let writes = 0
  const memory = createMemoryLeaseStore()
  const store: LeaseStore = {
    load: memory.load,
    replace: async (leases) => {
      writes++
      await memory.replace(leases)
    },
  }
  const addresses = await openPodAddresses({ podCIDRs: ['10.244.1.0/24'], store })
  const noteIn = async () => (await memory.load())[0]?.note
  await addresses.assign('a')
  t.same([await noteIn(), writes], [undefined, 1])
  await addresses.assign('a')
  t.equal(writes, 1, 'nothing has changed')
  const [before] = addresses.list()
  await addresses.assign('a', { note: 'x' })
  t.same([await noteIn(), writes], ['x', 2])
  t.match(addresses.list(), [{ since: before?.since, addresses: ['10.244.1.2'] }])
  await addresses.assign('a', { note: 'x' })
  await addresses.assign('a')
  t.same([await noteIn(), writes], ['x', 2], 'without one it stays')
  await addresses.assign('a', { note: 'y' })
  t.same([await noteIn(), writes], ['y', 3])
  t.equal(
    Object.hasOwn((await openPodAddresses({ podCIDRs: ['10.244.1.0/24'], store: memory })).list()[0] ?? {}, 'freed'),
    false,
  )
})

t.test('leases that fit the networks of the node in no way are dropped', async (t) => {
  const leases = [
    { owner: 'right', addresses: ['10.244.1.2', 'fd00:1::2'], since: 1 },
    { owner: 'one too few', addresses: ['10.244.1.3'], since: 2 },
    { owner: 'one too many', addresses: ['10.244.1.4', 'fd00:1::4', '10.244.1.5'], since: 3 },
    { owner: 'turned', addresses: ['fd00:1::5', '10.244.1.5'], since: 4 },
    { owner: 'another network', addresses: ['10.244.2.6', 'fd00:1::6'], since: 5 },
    { owner: 'no address', addresses: ['10.244.1.7', 'text'], since: 6 },
  ]
  const store: LeaseStore = { load: async () => leases, replace: async () => undefined }
  const addresses = await openPodAddresses({ podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'], store })
  t.same(
    addresses.list().map(({ owner }) => owner),
    ['right'],
  )
})

t.test('listed in the order in which they were given', async (t) => {
  const leases = [3, 1, 2].map((since) => ({ owner: `o${since}`, addresses: [`10.244.1.${10 + since}`], since }))
  const store: LeaseStore = { load: async () => leases, replace: async () => undefined }
  const addresses = await openPodAddresses({ podCIDRs: ['10.244.1.0/24'], store })
  t.same(
    addresses.list().map(({ owner }) => owner),
    ['o1', 'o2', 'o3'],
  )
  t.same(await addresses.assign('next'), ['10.244.1.14'], 'behind the youngest')
})
