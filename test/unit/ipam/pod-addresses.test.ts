import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createFileLeaseStore, createMemoryLeaseStore, type LeaseStore } from '../../../src/ipam/lease-store.ts'
import { gatewayOf, openPodAddresses } from '../../../src/ipam/pod-addresses.ts'

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
  await again.retain(new Set(['c']))
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

t.test('what is no lease file is refused with a cure', async (t) => {
  const file = join(folder, 'bad.json')
  for (const text of ['{', '{"a":1}', '[{"owner":"a","addresses":["10.0.0.999"],"since":1}]']) {
    await writeFile(file, text)
    await t.rejects(createFileLeaseStore(file).load(), /bad\.json does not hold address leases: remove it/)
  }
})

/** Assigns as fast as it can and says what it got, until it is killed. */
const child = `
  import { createFileLeaseStore } from ${JSON.stringify(join(import.meta.dirname, '../../../src/ipam/lease-store.ts'))}
  import { openPodAddresses } from ${JSON.stringify(join(import.meta.dirname, '../../../src/ipam/pod-addresses.ts'))}
  const addresses = await openPodAddresses({ podCIDRs: ['10.244.0.0/20'], store: createFileLeaseStore(process.argv[1]) })
  for (let n = addresses.list().length; ; n++) console.log('pod' + n, (await addresses.assign('pod' + n))[0])
`

t.test('kill -9 at any moment loses no lease and gives none twice', { timeout: 60_000 }, async (t) => {
  const file = join(folder, 'killed.json')
  const told = new Map<string, string>()
  for (let round = 0; round < 15; round++) {
    const process_ = spawn(process.execPath, ['--input-type=module-typescript', '-e', child, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    process_.stdout.on('data', (chunk) => {
      text += chunk
      if (text.split('\n').length > 3 + round) process_.kill('SIGKILL')
    })
    await once(process_, 'close')
    for (const line of text.split('\n').slice(0, -1)) {
      const [owner = '', address = ''] = line.split(' ')
      told.set(owner, address)
    }
  }
  t.ok(told.size > 60)
  const held = new Map((await createFileLeaseStore(file).load()).map(({ owner, addresses }) => [owner, addresses[0]]))
  t.equal(new Set(held.values()).size, held.size, 'no address twice')
  for (const [owner, address] of told) if (held.get(owner) !== address) t.fail(`${owner} lost ${address}`)
})

t.test('the gateway is the first address', async (t) => {
  t.equal(gatewayOf('10.244.3.0/24'), '10.244.3.1')
  t.equal(gatewayOf('fd00:3::/64'), 'fd00:3::1')
})
