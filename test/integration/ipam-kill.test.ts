/** Kill -9 at any moment loses no lease that was told of, and gives none twice. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createFileLeaseStore } from '../../src/ipam/lease-store.ts'
import { rounds, seedOr } from '../support/rounds.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const folder = await mkdtemp(join(tmpdir(), 'podway-kill-'))
t.teardown(() => rm(folder, { recursive: true }))

const kills = rounds(100, 500)
/** So many processes are killed at the same time, each with a file of its own. */
const lanes = 4

/** The compiled ones: processes start in half the time. */
const modules = join(import.meta.dirname, '../../dist/ipam')
/** Takes two, gives one back, and says so, until it is killed. */
const child = `
  import { createFileLeaseStore } from ${JSON.stringify(join(modules, 'lease-store.js'))}
  import { openPodAddresses } from ${JSON.stringify(join(modules, 'pod-addresses.js'))}
  const [file, round] = process.argv.slice(2)
  const addresses = await openPodAddresses({ podCIDRs: ['10.244.0.0/16'], store: createFileLeaseStore(file) })
  console.log('ready')
  for (let n = 0; ; n++) {
    for (const owner of ['keep', 'drop']) {
      const name = owner + '-' + round + '-' + n
      console.log('+', name, (await addresses.assign(name))[0])
    }
    console.log('?', 'drop-' + round + '-' + n)
    await addresses.release('drop-' + round + '-' + n)
    console.log('-', 'drop-' + round + '-' + n)
  }
`

const script = join(folder, 'child.mjs')
await writeFile(script, child)

interface Told {
  /** Owner → address, for what was acknowledged. */
  readonly held: Map<string, string>
  /** What may be gone or not: it was being given back. */
  readonly unsure: Set<string>
}

/** Kills it a moment after it has said `words` things: that it has come so far does not depend on how fast the machine is. */
const runOnce = async (
  file: string,
  round: number,
  { words, delayMs }: { readonly words: number; readonly delayMs: number },
  { held, unsure }: Told,
): Promise<void> => {
  const one = spawn(process.execPath, [script, file, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let text = ''
  let isDoomed = false
  one.stdout.on('data', (chunk) => {
    text += chunk
    if (isDoomed || text.split('\n').length <= words) return
    isDoomed = true
    setTimeout(() => one.kill('SIGKILL'), delayMs)
  })
  await once(one, 'close')
  for (const line of text.split('\n').slice(0, -1)) {
    const [sign, owner = '', address = ''] = line.split(' ')
    if (sign === '+') held.set(owner, address)
    if (sign === '?') unsure.add(owner)
    if (sign === '-') held.delete(owner)
  }
}

const check = async (t: Test, file: string, { held, unsure }: Told): Promise<void> => {
  const found = (await createFileLeaseStore(file).load()).filter(({ freed }) => freed === undefined)
  const byOwner = new Map(found.map(({ owner, addresses }) => [owner, addresses[0]]))
  if (new Set(byOwner.values()).size !== byOwner.size) t.fail('an address is held twice')
  for (const [owner, address] of held)
    if (!unsure.has(owner) && byOwner.get(owner) !== address) t.fail(`${owner} lost ${address}`)
  // What the process took and was killed before it said so.
  const untold = [...byOwner.keys()].filter((owner) => !held.has(owner) && !unsure.has(owner))
  if (untold.length > kills * 2) t.fail(`${untold.length} leases of which nobody knows`)
}

t.test(`killed ${kills} times`, { timeout: 400_000 }, async (t) => {
  const random = createSeededRandom(seedOr(5))
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      const file = join(folder, `leases-${lane}.json`)
      const told: Told = { held: new Map(), unsure: new Set() }
      for (let round = 0; round < kills / lanes; round++) {
        await runOnce(file, round, { words: 1 + random.below(12), delayMs: random.below(5) }, told)
        await check(t, file, told)
      }
      t.ok(told.held.size > kills / lanes / 4, `${told.held.size} leases held`)
    }),
  )
})
