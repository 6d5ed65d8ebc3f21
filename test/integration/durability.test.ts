/**
 * Nothing that was acknowledged is lost, and nothing is there that nobody wrote: 32 clients write to a control plane that is
 * killed at any moment, on SQLite and on etcd, whose members are killed, hang and are cut off.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Client } from '../../src/api/client.ts'
import { ApiError } from '../../src/api/errors.ts'
import { configMaps } from '../../src/api/resources.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { startEtcd } from '../support/etcd.ts'
import { type KilledControl, startKilledControl } from '../support/killed-control.ts'
import { rounds, seedOr } from '../support/rounds.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { until } from '../support/until.ts'

const runner = createCommandRunner()
const random = createSeededRandom(seedOr(1))
const folder = mkdtempSync(join(tmpdir(), 'podway-durability-'))
t.teardown(() => rmSync(folder, { recursive: true }))
t.setTimeout(1_500_000)

const writers = 32
/** A control plane that is killed before it is half a second old answers few of them, fewest on a busy machine. */
const patienceMs = 300_000
const namespace = 'default'

/** What an object may be: its value, or undefined when it is not there. One when that is certain. */
type Possible = ReadonlySet<string | undefined>

interface Load {
  /** How many writes have been acknowledged. */
  acknowledged(): number
  /** Ends the writers, and compares everything with what is there. */
  end(): Promise<void>
}

/** Each writer has objects of its own, and knows what each of them may be. */
const startLoad = (t: Test, client: Client, prefix: string): Load => {
  const known = new Map<string, Possible>()
  let acknowledged = 0
  let isEnding = false
  const find = async (name: string): Promise<string | undefined> => {
    try {
      return (await client.get(configMaps, name, namespace)).data?.['value']
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined
      throw error
    }
  }
  const check = (name: string, found: string | undefined): void => {
    const possible = known.get(name) ?? new Set([undefined])
    if (!possible.has(found))
      t.fail(`${name} is ${found}, and may be ${[...possible].map(String).join(' or ')} (${acknowledged} acknowledged)`)
    known.set(name, new Set([found]))
  }
  /** Certain of what there is; asks until somebody answers. */
  const settle = async (name: string): Promise<string | undefined> => {
    const [value, ...others] = known.get(name) ?? [undefined]
    if (others.length === 0) return value
    const found = await until(
      () =>
        find(name)
          .then((each) => [each])
          .catch(() => undefined),
      `an answer about ${name}`,
      patienceMs,
    )
    check(name, found[0])
    return found[0]
  }
  const writeOnce = async (name: string, value: string): Promise<void> => {
    const before = await settle(name)
    const isDeleting = before !== undefined && value.endsWith('3')
    known.set(name, new Set([before, isDeleting ? undefined : value]))
    const metadata = { name, namespace }
    try {
      if (isDeleting) await client.delete(configMaps, { metadata })
      else if (before === undefined) await client.create(configMaps, { metadata, data: { value } })
      else await client.patch(configMaps, { metadata }, { data: { value } })
      known.set(name, new Set([isDeleting ? undefined : value]))
      acknowledged++
    } catch (error) {
      // Refused, it was not made; anything else leaves both possible.
      if (error instanceof ApiError && (error.code < 500 || error.code === 503)) known.set(name, new Set([before]))
      if (error instanceof ApiError && error.code < 500 && error.code !== 429) t.fail(`${name}: ${error.message}`)
    }
  }
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; !isEnding; n++) await writeOnce(`${prefix}-${writer}-${n % 7}`, `${n}`)
  }
  const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
  return {
    acknowledged: () => acknowledged,
    end: async () => {
      isEnding = true
      await writing
      for (const name of known.keys()) await settle(name)
      const { items } = await client.list(configMaps, { namespace })
      const there = new Map(items.map(({ metadata, data }) => [metadata.name, data?.['value']]))
      for (const name of known.keys()) check(name, there.get(name))
      const foreign = [...there.keys()].filter((name) => name.startsWith(prefix) && !known.has(name))
      t.same(foreign, [], 'nothing is there that nobody wrote')
      t.pass(`${acknowledged} writes acknowledged, ${known.size} objects compared`)
    },
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const more = (load: Load, what: string): Promise<unknown> => {
  const before = load.acknowledged()
  return until(() => load.acknowledged() > before + writers, what, 60_000)
}

/** Kills it again and again under load, at random moments from its start on. */
const killAgainAndAgain = async (t: Test, control: KilledControl, times: number): Promise<void> => {
  const load = startLoad(t, control.client, 'killed')
  await more(load, 'the first writes')
  for (let n = 0; n < times; n++) {
    await pause(random.below(400))
    await control.kill()
    await control.start()
  }
  await more(load, 'writes after the last kill')
  await load.end()
}

t.test('SQLite: kill -9 at random moments', async (t) => {
  await killAgainAndAgain(t, await startKilledControl(t, folder, 'sqlite'), rounds(4, 200))
})

t.test('SQLite: a full disk is answered with a Status, and heals', async (t) => {
  const disk = join(folder, 'small')
  await runner.run('mkdir', [disk])
  await runner.run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk])
  t.teardown(() => runner.run('umount', ['-l', disk]))
  const control = await startKilledControl(t, folder, 'small')
  const load = startLoad(t, control.client, 'full')
  await more(load, 'the first writes')
  await runner.run('sh', ['-c', `dd if=/dev/zero of=${disk}/ballast bs=64k 2>/dev/null; true`])
  const metadata = { name: 'too-much', namespace }
  const refused = await until(
    () =>
      control.client
        .create(configMaps, {
          metadata: { ...metadata, name: `too-much-${load.acknowledged()}-${random.below(1e6)}` },
          data: { value: 'x'.repeat(900_000) },
        })
        .then(
          () => undefined,
          (error: unknown) => error,
        ),
    'a refusal',
    60_000,
  )
  t.match(refused, { code: 503, reason: 'ServiceUnavailable', message: /nothing was changed/ })
  t.ok(Array.isArray((await control.client.list(configMaps)).items), 'what there is can be read')
  await runner.run('rm', [join(disk, 'ballast')])
  await more(load, 'writes once there is room')
  await load.end()
  await control.kill()
  await control.start()
  const { items } = await control.client.list(configMaps, { namespace })
  t.notOk(items.some(({ data }) => (data?.['value']?.length ?? 0) > 1_000 && data?.['value']?.length !== 900_000))
})

t.test('etcd: kill -9 of the control plane at random moments', async (t) => {
  const { endpoints } = await startEtcd(t)
  await killAgainAndAgain(
    t,
    await startKilledControl(t, folder, 'on-etcd', ['--etcd-servers', endpoints.join(',')]),
    rounds(2, 200),
  )
})

t.test('etcd: members are killed, hang, and are cut off', async (t) => {
  const names = ['m0', 'm1', 'm2']
  const ip = (...args: readonly string[]) => runner.run('ip', args)
  await ip('link', 'add', 'etcd0', 'type', 'bridge')
  await ip('address', 'add', '10.77.0.1/24', 'dev', 'etcd0')
  await ip('link', 'set', 'etcd0', 'up')
  for (const [at, name] of names.entries()) {
    await ip('netns', 'add', name)
    await ip('link', 'add', `v-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
    await ip('link', 'set', `v-${name}`, 'master', 'etcd0', 'up')
    await ip('-n', name, 'address', 'add', `10.77.0.${at + 11}/24`, 'dev', 'eth0')
    for (const link of ['lo', 'eth0']) await ip('-n', name, 'link', 'set', link, 'up')
  }
  const hosts = names.map((name, at) => ({ address: `10.77.0.${at + 11}`, within: ['ip', 'netns', 'exec', name] }))
  const etcd = await startEtcd(t, { members: 3, hosts })
  const control = await startKilledControl(t, folder, 'on-three', ['--etcd-servers', etcd.endpoints.join(',')])
  const load = startLoad(t, control.client, 'faults')
  await more(load, 'the first writes')
  const leading = () => until(() => etcd.leader().catch(() => undefined), 'a leader', 30_000)
  const faults: Readonly<Record<string, () => Promise<() => Promise<unknown>>>> = {
    'a member killed': async () => {
      const leader = await leading()
      const member = etcd.members.find((each) => each !== leader)
      await member?.kill()
      return async () => member?.start()
    },
    'the leader killed': async () => {
      const leader = await leading()
      await leader.kill()
      return () => leader.start()
    },
    'the leader hangs': async () => {
      const leader = await leading()
      leader.freeze()
      return async () => leader.thaw()
    },
    'the leader cut off': async () => {
      const link = `v-m${etcd.members.indexOf(await leading())}`
      await ip('link', 'set', link, 'down')
      return () => ip('link', 'set', link, 'up')
    },
  }
  for (let n = 0; n < rounds(1, 10); n++)
    for (const [what, begin] of Object.entries(faults)) {
      const end = await begin()
      await more(load, `writes with ${what}`)
      await end()
      await more(load, `writes after it: ${what}`)
    }
  await load.end()
})
