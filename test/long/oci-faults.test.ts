/** What may be killed, filled up or taken away while containers of images run, and that nothing of them is left. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import type { Runtime } from '../../src/agent/runtime/runtime.ts'
import type { SandboxProcess, StoredContainer } from '../../src/agent/runtime/shared/state.ts'
import { childrenOf } from '../../src/host/process.ts'
import { cgroupsFor, commandLines, exitOf, leftGroups } from '../support/left-on-node.ts'
import { busyboxStore, noOciRuntime, testOciRuntime } from '../support/oci-runtime.ts'
import { containerSpec, sandboxSpec } from '../support/runtime-contract.ts'
import { until } from '../support/until.ts'

t.setTimeout(400_000)

const skip = (await noOciRuntime()) ?? false

const namesIn = (folder: string): readonly string[] =>
  existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []

/** All that a runtime may have left: mounts, processes, control groups, folders, holds. */
const leftOf = (folder: string, parent: string): readonly string[] => [
  ...readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`${folder}/state`) || line.includes(`${folder}/disk/`)),
  ...commandLines().filter((line) => line.includes(`${folder}/state`) || line.includes('sleep 47130')),
  ...leftGroups(parent),
  ...['state/bundles', 'state/program', 'state/sandboxes', 'state/exits', 'disk'].flatMap((name) =>
    namesIn(join(folder, name)),
  ),
  ...namesIn(join(folder, 'images/holds')).flatMap(namesIn),
]

const begin = async (t: Test) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const { images, id } = await busyboxStore(join(folder, 'images'))
  const image = { id, digest: id, name: 'busybox:1' }
  const { parent, cgroups } = await cgroupsFor(t)
  const stop = new AbortController()
  const runs: Promise<void>[] = []
  /** A new agent's. */
  const open = async (): Promise<Runtime> => {
    const runtime = await testOciRuntime(folder, '', {
      roots: images.roots,
      cgroups,
      onDamage: () => undefined,
      pollMs: 100,
    })
    runs.push(runtime.run(stop.signal))
    return runtime
  }
  t.teardown(async () => {
    stop.abort()
    await Promise.all(runs)
  })
  const spec = (name: string) => containerSpec(folder, name, ['sleep', '47130'], { image, env: { PATH: '/bin' } })
  return { folder, parent, open, spec, left: () => leftOf(folder, parent) }
}

const stored = <T>(folder: string, file: string): T =>
  JSON.parse(readFileSync(join(folder, 'state/sandboxes/a', file), 'utf8'))
const shimOf = (folder: string, id: string): number =>
  stored<StoredContainer>(folder, `containers/${id}.json`).process.pid

/** Who is killed, of a container `a_main_0`. */
const victims: Readonly<Record<string, (folder: string) => Promise<number>>> = {
  shim: async (folder) => shimOf(folder, 'a_main_0'),
  'runtime program': async (folder) => (await childrenOf(shimOf(folder, 'a_main_0')))[0] ?? 0,
  'main process': async (folder) => {
    const [program = 0] = await childrenOf(shimOf(folder, 'a_main_0'))
    const tasks = readdirSync(`/proc/${program}/task`)
    const children = await Promise.all(tasks.map((task) => childrenOf(program, task)))
    return children.flat()[0] ?? 0
  },
  "pod's first process": async (folder) => stored<SandboxProcess>(folder, 'process.json').pid,
  'holder of its mounts': async (folder) => stored<SandboxProcess>(folder, 'process.json').holder?.pid ?? 0,
}

for (const [name, find] of Object.entries(victims))
  t.test(`kill -9 of the ${name}`, { skip }, async (t) => {
    const { folder, open, spec, left } = await begin(t)
    const runtime = await open()
    await runtime.sandboxes.start(sandboxSpec('a'))
    await runtime.containers.start('a', spec('main'))
    const victim = await find(folder)
    t.ok(victim > 1, 'there is one')
    process.kill(victim, 'SIGKILL')
    t.match(await until(() => exitOf(runtime, 'a_main_0'), 'the end'), { code: 137, oomKilled: false })
    await until(() => commandLines().every((line) => !line.includes('sleep 47130')), 'the end of its process')
    const isOfPod = /pod's|holder/.test(name)
    await until(async () => (await runtime.sandboxes.list())[0]?.running === !isOfPod, 'what becomes of the pod')
    if (isOfPod) await runtime.sandboxes.start(sandboxSpec('a'))
    await runtime.containers.start('a', { ...spec('main'), attempt: 1 })
    t.equal((await runtime.streams.exec('a_main_1', ['true'], 10_000)).exitCode, 0, 'the next one runs')
    await runtime.sandboxes.end('a', 'forget')
    t.same(left(), [])
  })

const startChild = (folder: string, parent: string, names: readonly string[]) => {
  const script = join(import.meta.dirname, '../support/oci-child.ts')
  return spawn(process.execPath, [script, folder, parent, ...names], { stdio: ['ignore', 'pipe', 'inherit'] })
}

const ended = (child: ReturnType<typeof spawn>): Promise<void> =>
  new Promise((resolve) => child.once('exit', () => resolve()))

t.test('an agent that is killed leaves its containers running', { skip }, async (t) => {
  const { folder, parent, open, left } = await begin(t)
  const child = startChild(folder, parent, ['stays', 'ends', 'meanwhile'])
  const lines = createInterface({ input: child.stdout })
  const told: string[] = []
  for await (const line of lines) if (told.push(line) === 2) break
  const over = ended(child)
  child.kill('SIGKILL')
  await over
  process.kill(shimOf(folder, 'a_meanwhile_0'), 'SIGKILL')

  const runtime = await open()
  const before = JSON.parse(told[1] ?? '') as Awaited<ReturnType<Runtime['sandboxes']['list']>>
  await until(() => exitOf(runtime, 'a_meanwhile_0'), 'what ended meanwhile')
  const withoutExits = (await runtime.sandboxes.list()).map((each) => ({
    ...each,
    containers: each.containers.map(({ exit: _, ...rest }) => rest),
  }))
  t.same(withoutExits, before, 'the others still run')
  t.equal((await runtime.streams.exec('a_stays_0', ['hostname'], 10_000)).output, 'pod-a\n')
  await runtime.containers.signal('a_ends_0', 'KILL')
  t.match(await until(() => exitOf(runtime, 'a_ends_0'), 'the end'), { code: 137 })
  t.equal(await exitOf(runtime, 'a_stays_0'), undefined)
  await runtime.sandboxes.end('a', 'forget')
  t.same(left(), [])
})

t.test('an agent that is killed at any moment of a start leaves nothing', { skip }, async (t) => {
  const { folder, parent, open, left } = await begin(t)
  for (const afterMs of [0, 10, 25, 40, 60, 80, 110, 150, 200, 260]) {
    const child = startChild(folder, parent, ['one', 'two'])
    const over = ended(child)
    for await (const _line of createInterface({ input: child.stdout })) break
    await new Promise((resolve) => setTimeout(resolve, afterMs))
    child.kill('SIGKILL')
    await over
    const runtime = await open()
    for (const { id } of await runtime.sandboxes.list()) await runtime.sandboxes.end(id, 'forget')
    // What had no record yet ends by itself.
    await until(() => left().length === 0, `nothing to be left after ${afterMs} ms: ${left().join('\n')}`)
  }
})

t.test('containers and pods whose records are lost end, and nothing of them is left', { skip }, async (t) => {
  for (const lost of ['containers/a_one_0.json', 'process.json', 'spec.json', '.'])
    await t.test(lost, async (t) => {
      const { folder, parent, open, left } = await begin(t)
      const child = startChild(folder, parent, ['one'])
      let lines = 0
      for await (const _line of createInterface({ input: child.stdout })) if (++lines === 2) break
      const over = ended(child)
      child.kill('SIGKILL')
      await over
      rmSync(join(folder, 'state/sandboxes/a', lost), { recursive: true })
      const runtime = await open()
      for (const { id } of await runtime.sandboxes.list()) await runtime.sandboxes.end(id, 'forget')
      await until(() => commandLines().every((line) => !line.includes('sleep 47130')), 'the end of its process')
      await until(
        () => left().filter((each) => !each.includes('.damaged-')).length === 0,
        `nothing to be left: ${left()}`,
      )
    })
})

t.test('a reboot: what is volatile is gone, the disk is not', { skip }, async (t) => {
  const { folder, open, spec, left } = await begin(t)
  const runtime = await open()
  await runtime.sandboxes.start(sandboxSpec('a'))
  await runtime.containers.start('a', spec('main'))
  await runtime.streams.exec('a_main_0', ['sh', '-c', 'echo much > /written'], 10_000)
  for (const find of [victims["pod's first process"], victims['holder of its mounts'], victims['shim']])
    process.kill((await find?.(folder)) ?? 0, 'SIGKILL')
  await until(() => commandLines().every((line) => !line.includes('sleep 47130')), 'the end of all')
  rmSync(join(folder, 'state'), { recursive: true })
  // As after a power cut: nobody has tidied up.
  mkdirSync(join(folder, 'disk/a_other_3/upper'), { recursive: true })
  writeFileSync(join(folder, 'disk/a_other_3/upper/x'), 'x')

  const next = await open()
  t.same(await next.sandboxes.list(), [])
  await until(() => left().length === 0, 'nothing to be left')
})

t.test('a full disk', { skip }, async (t) => {
  const { folder, open, spec, left } = await begin(t)
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,nr_inodes=40', 'full', disk])
  t.teardown(() => execFileSync('umount', [disk]))
  const runtime = await open()
  await runtime.sandboxes.start(sandboxSpec('a'))
  const logged = {
    ...spec('writer'),
    command: ['sh', '-c', 'dd if=/dev/zero of=/x bs=1k count=1000 2>&1; echo "code $?"'],
  }
  await runtime.containers.start('a', logged)
  await until(() => exitOf(runtime, 'a_writer_0'), 'the end')
  t.match(readFileSync(logged.logFile, 'utf8'), /No space left on device\n.*code 1/s, 'the container learns of it')

  // No room for a folder either. What the one before had may be given back only now, so it is filled for each try.
  let attempt = 0
  const tryFull = async (): Promise<string> => {
    execFileSync('sh', [
      '-c',
      `i=0; while [ $i -lt 50 ] && mkdir "$0/f$i-$1" 2>/dev/null; do i=$((i+1)); done`,
      disk,
      `${attempt}`,
    ])
    return runtime.containers.start('a', { ...spec('main'), attempt: attempt++ }).then(
      async ({ id, exit }) => {
        if (exit) return exit.startError ?? ''
        // The next instance of a name is started when the one before has ended.
        await runtime.containers.signal(id, 'KILL')
        await until(() => exitOf(runtime, id), 'its end')
        return ''
      },
      (error: unknown) => String(error),
    )
  }
  t.match(await until(tryFull, 'a start without room'), /ENOSPC|no space left|No space left/i)
  execFileSync('sh', ['-c', 'rm -rf "$0"/f*', disk])
  const { id } = await runtime.containers.start('a', { ...spec('main'), attempt })
  t.equal(await exitOf(runtime, id), undefined, 'there is room again')
  await runtime.sandboxes.end('a', 'forget')
  t.same(left(), [])
})
