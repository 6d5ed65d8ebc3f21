import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import type { ContainerSpec } from '../../src/agent/runtime/containers.ts'
import { createProcessRuntime } from '../../src/agent/runtime/process/process-runtime.ts'
import type { OnChange, Runtime } from '../../src/agent/runtime/runtime.ts'
import type { StoredContainer } from '../../src/agent/runtime/shared/state.ts'
import { writeAtomicFolder } from '../../src/agent/volumes/atomic-folder.ts'
import { type Cgroups, openCgroups } from '../../src/host/cgroup.ts'
import { createLogger } from '../../src/host/log.ts'
import { damageNames, damages } from '../support/damage.ts'
import { exitOf, isRealRoot } from '../support/left-on-node.ts'
import { runRuntime } from '../support/run-runtime.ts'
import { containerSpec, runtimeContract, sandboxSpec } from '../support/runtime-contract.ts'
import { commandContract, inputContract } from '../support/talking-contract.ts'
import { until } from '../support/until.ts'

t.setTimeout(300_000)

const open = async (t: Test, onChange: OnChange = () => undefined, cgroups?: Cgroups) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  const stateDir = join(folder, 'state')
  const log = createLogger('test')
  const programs = [join(folder, 'work dir')]
  const runtime = createProcessRuntime({
    ...{ stateDir, cgroups, onChange, onDamage: t.fail, log, programs, pollMs: 200 },
  })
  runRuntime(t, runtime, folder)
  return { runtime, folder, stateDir }
}

const file = { kind: 'file', readOnly: false } as const
const folderToRead = { kind: 'folder', readOnly: true } as const

t.test('the process runtime keeps the contract', async (t) => {
  runtimeContract(t, open)
})

/** Runs a command to its end in sandbox `a`; what it said. */
const say = async (runtime: Runtime, folder: string, name: string, command: readonly string[], more = {}) => {
  const spec = containerSpec(folder, name, command, more)
  await runtime.containers.start('a', spec)
  await until(() => exitOf(runtime, `a_${name}_0`), `the end of ${name}`)
  return readFileSync(spec.logFile, 'utf8')
}

t.test('what a container sees', async (t) => {
  const { runtime, folder } = await open(t)
  const hosts = join(folder, 'hosts')
  writeFileSync(hosts, '10.1.2.3 me\n')
  mkdirSync(join(folder, 'work dir'))
  const volume = join(folder, 'volume')
  await writeAtomicFolder(volume, new Map([['token', { content: Buffer.from('first'), mode: 0o644 }]]))
  const mounts = [
    { source: hosts, target: '/etc/hosts', ...file },
    { source: volume, target: '/var/run/secrets/kubernetes.io/serviceaccount', ...folderToRead },
  ]
  await runtime.sandboxes.start(sandboxSpec('a', { mounts }))

  const workingDir = join(folder, 'work dir')
  const access = '/var/run/secrets/kubernetes.io/serviceaccount'
  const script =
    'hostname; cat /etc/hosts; pwd; cat /proc/1/comm; ls /dev/shm | wc -l; ip -o link | wc -l; cat; echo "$@"'
  t.same(
    (await say(runtime, folder, 'view', ['sh', '-c', script, '-', 'a b', '$HOME'], { workingDir })).split('\n'),
    ['pod-a', '10.1.2.3 me', workingDir, 'sh', '0', '1', 'a b $HOME', ''],
    'its own host name, files, folder, processes, memory, network; nothing to read; the words as they were given',
  )
  const read = `cat ${access}/token; touch ${access}/x 2>&1 | grep -o 'Read-only'`
  t.equal(await say(runtime, folder, 'volume', ['sh', '-c', read]), 'firstRead-only\n')
  await writeAtomicFolder(volume, new Map([['token', { content: Buffer.from('second'), mode: 0o644 }]]))
  t.equal(await say(runtime, folder, 'renewed', ['sh', '-c', `cat ${access}/token`]), 'second')

  const env = {
    PATH: '/usr/bin:/bin',
    GREETING: `it's "so" $HOME\nyes`,
    'my.odd-name': '1 2',
    IFS: 'x',
    child: '',
    code: '7',
  }
  const said = await say(runtime, folder, 'env', ['env', '-0'], { env })
  // The test runner gives variables of its own to every process that a test starts.
  const found = said.split('\0').filter((variable) => variable !== '' && !/^(_TAPJS_|NODE_OPTIONS=)/.test(variable))
  const wanted = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  t.same(found.sort(), wanted.sort())

  const ignored = await say(runtime, folder, 'signals', ['grep', 'SigIgn', '/proc/self/status'])
  t.equal(ignored, 'SigIgn:\t0000000000000000\n', 'no signal is ignored')
  // "ls" may look before the shell has started "grep".
  t.match(
    await say(runtime, folder, 'parent', ['sh', '-c', 'ls /proc | grep -c "^[0-9]"']),
    /^[45]\n$/,
    'pod processes only',
  )
})

t.test('ends', async (t) => {
  const { runtime, folder } = await open(t)
  await runtime.sandboxes.start(sandboxSpec('a'))
  const codeOf = async (id: string) => (await until(() => exitOf(runtime, id), `the end of ${id}`)).code
  const start = (name: string, script: string, more = {}) =>
    runtime.containers.start('a', containerSpec(folder, name, ['sh', '-c', script], more))
  const said = (name: string) => readFileSync(join(folder, `${name}.log`), 'utf8')

  await t.test('a program that tidies up on TERM ends with its own code', async (t) => {
    for (const attempt of [0, 1, 2, 3, 4]) {
      await start('tidy', `trap 'echo bye; exit 7' TERM; echo up${attempt}; while :; do sleep 0.05; done`, { attempt })
      await until(() => said('tidy').includes(`up${attempt}`), 'the trap')
      await runtime.containers.signal(`a_tidy_${attempt}`, 'TERM')
      t.equal(await codeOf(`a_tidy_${attempt}`), 7)
    }
    t.equal(said('tidy'), [0, 1, 2, 3, 4].map((n) => `up${n}\nbye\n`).join(''), 'instances append to one log')
  })

  await t.test('what the main process leaves behind ends with it', async (t) => {
    await start('parent', 'sleep 4242 & echo $!; exit 0')
    t.equal(await codeOf('a_parent_0'), 0)
    const inPod = said('parent').trim()
    await start('other', 'sleep 3600')
    const look = ['test', '-e', `/proc/${inPod}`]
    await until(
      async () => (await runtime.streams.exec('a_other_0', look, 5_000)).exitCode === 1,
      'the end of the child',
    )
    await runtime.containers.signal('a_other_0', 'KILL')
    t.equal(await codeOf('a_other_0'), 137)
  })

  await t.test('a folder that is not there', async (t) => {
    await start('lost', 'exit 0', { workingDir: '/no/such' })
    t.match(await exitOf(runtime, 'a_lost_0'), { code: 128, startError: 'workingDir: no such folder: /no/such' })
  })

  await t.test('the first process of the pod dies', async (t) => {
    await start('victim', 'sleep 3600')
    const pid = (await runtime.sandboxes.list())[0]?.pid ?? 0
    process.kill(pid, 'SIGKILL')
    await until(async () => (await runtime.sandboxes.list())[0]?.running === false, 'the news')
    t.equal(await codeOf('a_victim_0'), 137)
  })
})

t.test('talking with a command', async (t) => {
  const { runtime, folder } = await open(t)
  await runtime.sandboxes.start(sandboxSpec('a'))
  const env = { PATH: '/usr/bin:/bin', GREETING: `it's "so"`, 'my.odd-name': '1 2' }
  await runtime.containers.start('a', containerSpec(folder, 'main', ['sleep', '3600'], { env, workingDir: '/tmp' }))
  const command = (words: readonly string[]) => runtime.streams.open('a_main_0', words, { stdin: true, tty: false })

  await t.test('its two outputs, its code, and the container around it', async (t) => {
    const { stdout, stderr, ended } = await command(['sh', '-c', 'echo "$GREETING"; pwd; echo wrong >&2; exit 7'])
    t.same(await Promise.all([text(stdout), text(stderr ?? stdout), ended]), [`it's "so"\n/tmp\n`, 'wrong\n', 7])
    t.match(await text((await command(['env'])).stdout), /^my\.odd-name=1 2$/m)
    const killed = await command(['sh', '-c', 'kill -TERM $$'])
    t.equal(await killed.ended, 143)
  })

  await t.test('its streams can be opened once more', async (t) => {
    const script = 'cat /dev/stdin > /dev/stdout; echo oops > /dev/stderr'
    const user = { uid: 1000, gid: 1000 }
    await runtime.containers.start('a', containerSpec(folder, 'other', ['sleep', '3600'], { user }))
    for (const id of ['a_main_0', 'a_other_0']) {
      const { stdin, stdout, stderr } = await runtime.streams.open(id, ['sh', '-c', script], {
        stdin: true,
        tty: false,
      })
      stdin.end('through')
      t.same(await Promise.all([text(stdout), text(stderr ?? stdout)]), ['through', 'oops\n'], id)
    }
  })

  await t.test('without anything to read, stdin is empty', async (t) => {
    const { stdout } = await runtime.streams.open('a_main_0', ['cat'], { stdin: false, tty: false })
    t.equal(await text(stdout), '')
  })

  await commandContract(t, runtime, `it's "so"`)
})

t.test('talking with a container', async (t) => {
  const { runtime, folder } = await open(t)
  await runtime.sandboxes.start(sandboxSpec('a'))
  const begin = (name: string, words: readonly string[], more: object) =>
    runtime.containers.start('a', containerSpec(folder, name, words, more))
  const said = (name: string) => readFileSync(join(folder, `${name}.log`), 'utf8')

  await inputContract(t, { runtime, folder, start: begin, onTerm: { script: '', code: 143 } })

  await t.test('a terminal of who does not end, or never was', async (t) => {
    await begin('stubborn', ['sh', '-c', 'trap "" HUP TERM; echo up; while :; do sleep 1; done'], { tty: true })
    await until(() => said('stubborn').includes('up'), 'its first word')
    await runtime.containers.signal('a_stubborn_0', 'KILL')
    t.match(await until(() => exitOf(runtime, 'a_stubborn_0'), 'its end'), { code: 137 })
    const none = await begin('none', ['/no/such'], { tty: true })
    t.match(none.exit, { code: 128, startError: /executable file not found/ })
  })
})

t.test('a sandbox that cannot be made leaves nothing and says why', async (t) => {
  const { runtime } = await open(t)
  const mounts = [{ source: '/no/such/file', target: '/etc/hosts', ...file }]
  await t.rejects(runtime.sandboxes.start(sandboxSpec('a', { mounts })), /namespaces: mount: .*(hosts|file)/)
  t.same(await runtime.sandboxes.list(), [])
  t.match(await runtime.sandboxes.start(sandboxSpec('a')), { running: true }, 'it can be tried again')
})

t.test('resolv.conf may be a link to nowhere', async (t) => {
  const { runtime, folder } = await open(t)
  const source = join(folder, 'source')
  const link = join(folder, 'link')
  writeFileSync(source, 'nameserver 10.96.0.10\n')
  symlinkSync(join(folder, 'not/there'), link)
  await runtime.sandboxes.start(sandboxSpec('a', { mounts: [{ source, target: link, ...file }] }))
  t.equal(await say(runtime, folder, 'cat', ['cat', link]), 'nameserver 10.96.0.10\n')
})

t.test('a pod on the host network', async (t) => {
  const { runtime, folder } = await open(t)
  await runtime.sandboxes.start(sandboxSpec('a', { hostNetwork: true }))
  const own = readlinkSync('/proc/self/ns/net')
  t.equal(await say(runtime, folder, 'net', ['readlink', '/proc/self/ns/net']), `${own}\n`)
  t.equal(await say(runtime, folder, 'name', ['hostname']), `${hostname()}\n`)
})

t.test('exec', async (t) => {
  const { runtime, folder } = await open(t)
  await runtime.sandboxes.start(sandboxSpec('a'))
  const more = { env: { PATH: '/usr/bin:/bin', WHO: 'me', 'odd.name': 'x' }, workingDir: '/usr' }
  await runtime.containers.start('a', containerSpec(folder, 'main', ['sleep', '3600'], more))
  const run = (command: readonly string[], timeoutMs = 5_000) => runtime.streams.exec('a_main_0', command, timeoutMs)
  t.same(await run(['sh', '-c', 'echo "$WHO"; pwd; hostname; exit 4']), { exitCode: 4, output: 'me\n/usr\npod-a\n' })
  t.match((await run(['env'])).output, /^odd\.name=x$/m)
  t.equal((await run(['/no/such'])).exitCode, 127)
  await t.rejects(run(['sleep', '3600'], 50), { name: 'ExecTimeout', message: /"sleep 3600" timed out after 0.05s/ })
})

t.test('an agent that comes back after kill -9 finds everything', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  const stateDir = join(folder, 'state')
  const script = join(import.meta.dirname, '../support/runtime-child.ts')
  const words = [script, stateDir, folder, 'a', 'stays', 'ends', 'killed', 'meanwhile']
  const first = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [told] = (await once(first.stdout, 'data')) as [Buffer]
  first.kill('SIGKILL')
  await once(first, 'exit')

  const before = JSON.parse(told.toString()) as Awaited<ReturnType<Runtime['sandboxes']['list']>>
  const shims = readdirSync(join(stateDir, 'sandboxes/a/containers')).filter((name) => name.endsWith('.json'))
  t.equal(shims.length, 4)
  const meanwhile = readFileSync(join(stateDir, 'sandboxes/a/containers/a_meanwhile_0.json'), 'utf8')
  process.kill((JSON.parse(meanwhile) as StoredContainer).process.pid, 'SIGTERM')
  const exitFile = join(stateDir, 'exits/a_meanwhile_0')
  await until(() => existsSync(exitFile) && readFileSync(exitFile, 'utf8') !== '', 'an end that no agent sees')

  const changes: string[] = []
  const log = createLogger('test')
  const runtime = createProcessRuntime({
    stateDir,
    cgroups: undefined,
    onChange: (id) => changes.push(id),
    onDamage: t.fail,
    log,
    pollMs: 50,
  })
  const after = await runtime.sandboxes.list()
  const withoutExit = after.map((each) => ({
    ...each,
    containers: each.containers.map(({ exit: _, ...rest }) => rest),
  }))
  t.same(withoutExit, before, 'the same processes still run')
  t.match(await exitOf(runtime, 'a_meanwhile_0'), { code: 143 })
  const stop = new AbortController()
  const running = runtime.run(stop.signal)
  await runtime.containers.signal('a_ends_0', 'TERM')
  t.equal((await until(() => exitOf(runtime, 'a_ends_0'), 'the exit it is not the parent of')).code, 143)
  await runtime.containers.signal('a_killed_0', 'KILL')
  t.equal((await until(() => exitOf(runtime, 'a_killed_0'), 'the end of the whole group')).code, 137)
  t.equal(await exitOf(runtime, 'a_stays_0'), undefined)
  t.equal((await runtime.streams.exec('a_stays_0', ['hostname'], 5_000)).output, 'pod-a\n')
  await runtime.sandboxes.end('a', 'forget')
  t.same(readdirSync(join(stateDir, 'sandboxes')), [])
  t.same(readdirSync(join(stateDir, 'exits')), [])
  t.ok(changes.length > 0)
  stop.abort()
  await running
  rmSync(folder, { recursive: true })
})

/** Processes whose command line names this folder, by their pods: `a`, `b` … */
const podsThatRun = (folder: string): readonly string[] => {
  const found = readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    const text = unlessGone(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? ''
    return text.includes(folder) ? (/\/(?:sandboxes|exits)\/(.)/.exec(text)?.[1] ?? []) : []
  })
  return [...new Set(found)].sort()
}

const unlessGone = <T>(look: () => T): T | undefined => {
  try {
    return look()
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

const podFiles = ['spec.json', 'process.json', 'containers/X_sleeper_0.json', '.'] as const

/** Every file of a pod in every state, each in a pod of its own; a folder in place of the pod's folder is none. */
const damagedPods = podFiles
  .flatMap((file) =>
    damageNames.filter((damage) => file !== '.' || damage === 'gone').map((damage) => ({ file, damage })),
  )
  .map((pod, at) => ({ ...pod, id: String.fromCharCode(97 + at) }))
const wellPod = 'z'

t.test("pods' damaged files stop no other, and none of their processes is left", { timeout: 180_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  const stateDir = join(folder, 'state')
  const ids = [...damagedPods.map(({ id }) => id), wellPod]
  const script = join(import.meta.dirname, '../support/runtime-child.ts')
  const first = spawn(process.execPath, [script, stateDir, folder, ids.join(), 'sleeper'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(first.stdout, 'data')
  first.kill('SIGKILL')
  await once(first, 'exit')
  t.same(podsThatRun(stateDir), ids)

  for (const { file, damage, id } of damagedPods) {
    const damaged = join(stateDir, 'sandboxes', id, file.replace('X', id))
    if (file === '.') rmSync(damaged, { recursive: true })
    else damages[damage](damaged)
  }
  const told: string[] = []
  const runtime = createProcessRuntime({
    ...{ stateDir, cgroups: undefined, onChange: () => undefined, pollMs: 50, log: createLogger('test') },
    onDamage: (message) => told.push(message),
  })
  const found = await runtime.sandboxes.list()
  const well = found.find(({ id }) => id === wellPod)
  t.match(well, { running: true, containers: [{ name: 'sleeper' }] }, 'the other pod goes on')
  t.notOk(well?.containers[0]?.exit)
  // A record that is only missing leaves the rest of its pod: its container ends, and is started again.
  const isHalf = ({ file, damage }: (typeof damagedPods)[number]): boolean =>
    file.startsWith('containers') && damage === 'gone'
  const left = [...damagedPods.filter(isHalf).map(({ id }) => id), wellPod]
  await until(() => podsThatRun(stateDir).join() === left.join(), 'their processes to end')
  for (const { file, damage, id } of damagedPods) {
    const name = `${file} is ${damage}`
    t.match(told.join('\n'), new RegExp(`(sandboxes/|processes of )${id}(\\b|_)`), `${name}: it is said`)
    const known = found.find((sandbox) => sandbox.id === id)?.containers ?? []
    t.same(
      known.filter(({ exit }) => !exit),
      [],
      `${name}: nothing of it runs`,
    )
    await runtime.sandboxes.end(id, 'forget')
    await runtime.sandboxes.start(sandboxSpec(id))
    await runtime.containers.start(id, containerSpec(folder, 'sleeper', ['sleep', '3600']))
  }
  t.same((await runtime.sandboxes.list()).map(({ id }) => id).sort(), ids, 'the pods run anew')
  for (const id of ids) await runtime.sandboxes.end(id, 'forget')
  // Whoever waited for a pod's first process ends a moment later.
  await until(() => podsThatRun(stateDir).length === 0, 'the end of all processes')
  rmSync(folder, { recursive: true })
})

t.test('another user', { skip: isRealRoot ? false : 'needs root: a user namespace has one user' }, async (t) => {
  const { runtime, folder } = await open(t)
  await runtime.sandboxes.start(sandboxSpec('a'))
  const user = { uid: 1234, gid: 99 }
  t.equal(await say(runtime, folder, 'id', ['sh', '-c', 'id -u; id -g; id -G'], { user }), '1234\n99\n99\n')
})

/** Programs that use something, and what a runtime says of them. */
const measure = async (t: Test, cgroups?: Cgroups, limits: ContainerSpec['limits'] = {}): Promise<void> => {
  const { runtime, folder } = await open(t, undefined, cgroups)
  await runtime.sandboxes.start(sandboxSpec('a'))
  const start = (name: string, script: string) =>
    runtime.containers.start('a', containerSpec(folder, name, ['sh', '-c', script], { limits }))
  const usageOf = async (name: string) => (await runtime.stats.read()).get(`a_${name}_0`)
  await start('idle', 'sleep 3600')
  await start('busy', 'sh -c "while :; do :; done" & sleep 3600')
  await start('holder', 'x=$(head -c 40000000 /dev/zero | tr "\\000" x); echo held; sleep 3600')
  await until(() => readFileSync(join(folder, 'holder.log'), 'utf8') === 'held\n', 'the memory to be taken', 30_000)
  const used = await until(
    async () => {
      const found = await usageOf('busy')
      return found && found.cpuNanoseconds > 200_000_000 ? found : undefined
    },
    'CPU time',
    30_000,
  )
  t.equal(used.processes, 3)
  const idle = await usageOf('idle')
  t.ok(idle && idle.cpuNanoseconds < used.cpuNanoseconds / 2, 'of which the others have used little')
  t.ok(idle && idle.memory.workingSetBytes < 16_000_000)
  const held = await usageOf('holder')
  t.ok(held && held.memory.rssBytes > 40_000_000 && held.memory.rssBytes < 200_000_000, String(held?.memory.rssBytes))
  t.ok(held && held.memory.workingSetBytes > 40_000_000)
  await runtime.sandboxes.end('a', 'forget')
}

t.test('what containers use, by their processes', (t) => measure(t))

t.test('limits', async (t) => {
  const parent = `podway-test-${process.pid}-${Date.now()}`
  const cgroups = await openCgroups({ parent }).catch((error: unknown) => String(error))
  if (typeof cgroups === 'string') {
    t.match(cgroups, /EACCES|EROFS|missing/, 'says why there are no limits')
    t.notOk(isRealRoot, 'root can have them')
    return
  }
  const [stray = ''] = await cgroups.create('left-behind', {})
  const { runtime, folder } = await open(t, undefined, cgroups)
  await runtime.sandboxes.start(sandboxSpec('a'))
  t.notOk(existsSync(stray), 'what an earlier agent left is gone')
  const eat = 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done'
  const limits = { memoryBytes: 24 << 20, cpuMilli: 500, pids: 32 }
  await runtime.containers.start('a', containerSpec(folder, 'eater', ['sh', '-c', eat], { limits }))
  t.match(await until(() => exitOf(runtime, 'a_eater_0'), 'the kernel', 20_000), { code: 137, oomKilled: true })

  const forks = 'for i in 1 2 3 4 5 6 7 8; do sleep 3600 & done; echo all'
  const few = { limits: { pids: 4 } }
  t.notMatch(await say(runtime, folder, 'forks', ['sh', '-c', forks], few), /all/, 'no more processes than allowed')
  await runtime.containers.start('a', containerSpec(folder, 'stray', ['sh', '-c', 'setsid sleep 3600 & sleep 3600']))
  await runtime.sandboxes.end('a', 'forget')
  await measure(t, cgroups)
  await measure(t, cgroups, { memoryBytes: 256 << 20, cpuMilli: 900, pids: 32 })
  t.teardown(() => cgroups.close())
})
