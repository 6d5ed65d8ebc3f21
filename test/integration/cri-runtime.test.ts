/** Pods in a real containerd. */
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { readLog } from '../../src/agent/logs/reader.ts'
import { rotateCri } from '../../src/agent/logs/rotate.ts'
import type { ContainerSpec } from '../../src/agent/runtime/containers.ts'
import { type Api, createCriClient } from '../../src/agent/runtime/cri/client.ts'
import { createCriRuntime } from '../../src/agent/runtime/cri/cri-runtime.ts'
import type { OnChange } from '../../src/agent/runtime/runtime.ts'
import { createRuntimes } from '../../src/agent/runtime/runtimes.ts'
import { silentLogger } from '../../src/host/log.ts'
import { busybox, noContainerd, startContainerd } from '../support/containerd.ts'
import { commandLines, exitOf } from '../support/left-on-node.ts'
import { runRuntime } from '../support/run-runtime.ts'
import { containerSpec, runtimeContract, sandboxSpec } from '../support/runtime-contract.ts'
import { terminalContract } from '../support/talking-contract.ts'
import { until } from '../support/until.ts'

t.setTimeout(180_000)

const skip = noContainerd() ?? false
const base = mkdtempSync(join(tmpdir(), 'pw-'))
t.teardown(() => rmSync(base, { recursive: true, force: true }))
const containerd = skip ? undefined : await startContainerd(t)

let nodes = 0

/** A runtime of a node that nobody else is. */
const open = async (t: Test, onChange: OnChange = () => undefined, api: Api = 'v1', askMs?: number) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  const client = createCriClient(containerd?.socket ?? '', api, askMs)
  const node = `node-${nodes++}`
  const create = () =>
    createCriRuntime({
      ...{
        client,
        runtimeName: 'containerd',
        node,
        hostIPs: ['192.0.2.1'],
        stateDir: join(folder, 'state'),
        seccompDir: join(folder, 'seccomp'),
      },
      ...{ onChange, onDamage: t.fail, onDown: () => undefined, log: silentLogger, pollMs: 200 },
    })
  const runtime = create()
  t.teardown(() => client.close())
  runRuntime(t, runtime, folder)
  const found = await runtime.images.find(busybox)
  if (!found) throw new Error('the image is not there')
  const image = { id: found.id, digest: found.digest, name: busybox }
  return { runtime, create, folder, container: { image }, sandbox: { shareProcessNamespace: true, logDir: folder } }
}

/** A pod `a` in a runtime of its own. */
const openPod = async (t: Test, more: Parameters<typeof sandboxSpec>[1] = {}, api: Api = 'v1', askMs?: number) => {
  const { runtime, create, folder, container } = await open(t, undefined, api, askMs)
  await runtime.sandboxes.start(sandboxSpec('a', { logDir: folder, ...more }))
  const start = (name: string, command: readonly string[], spec: Partial<ContainerSpec> = {}) =>
    runtime.containers.start('a', containerSpec(folder, name, command, { ...container, ...spec }))
  const endOf = (name: string) => until(() => exitOf(runtime, `a_${name}_0`), `the end of ${name}`)
  const said = async (name: string): Promise<string> => {
    let all = ''
    const source = { file: join(folder, `${name}.log`), format: 'cri' as const, isOver: () => true }
    for await (const bytes of readLog(source, {}, new AbortController().signal)) all += bytes.toString()
    return all
  }
  const say = async (name: string, script: string, spec: Partial<ContainerSpec> = {}): Promise<string> => {
    await start(name, ['sh', '-c', script], spec)
    await endOf(name)
    return said(name)
  }
  return { runtime, create, folder, start, endOf, said, say }
}

t.test('containers in containerd keep the contract', { skip }, async (t) => {
  runtimeContract(t, open)
})

t.test('what containers are and may do', { skip }, async (t) => {
  const hosts = join(base, 'hosts')
  writeFileSync(hosts, '10.1.2.3 me\n')
  const mounts = [{ source: hosts, target: '/etc/hosts', kind: 'file' as const, readOnly: true }]
  const { say, start, endOf, runtime } = await openPod(t, { mounts, privileged: true }, 'v1alpha2')
  const script = 'hostname; cat /etc/hosts; pwd; id -u; id -g; cat /proc/1/comm; echo "$A $FROM_IMAGE"; echo "$@"'
  await start('view', ['sh', '-c', `{ ${script}; } >/dev/termination-log; exit 3`, '-', 'a b', '$HOME'], {
    ...{ workingDir: '/usr', env: { PATH: '/bin', A: 'x' }, user: { uid: 7, gid: 8 } },
    terminationMessage: { path: '/dev/termination-log', fallBackToLogs: false },
  })
  const { code, message } = await endOf('view')
  t.equal(code, 3)
  t.match(message, /^pod-a\n10.1.2.3 me\n\/usr\n7\n8\n(sh|view)\n/)
  t.match(message, /x yes\n/)
  const rights = "grep -E 'CapBnd|NoNewPrivs|Seccomp:' /proc/self/status | cut -f 2 | tr '\\n' ' '"
  const closed: Partial<ContainerSpec> = { capabilities: ['net_raw'], noNewPrivileges: true, seccomp: 'default' }
  t.equal(await say('rights', rights, closed), '0000000000002000 1 2 \n'.replace(' \n', ' '))
  t.match(await say('closed', 'touch /x 2>&1; wc -c </proc/keys', { readOnlyRoot: true }), /Read-only[\s\S]*\n0\n$/)
  t.match(await say('open', 'test -w /proc/sys/kernel && echo open', { privileged: true, capabilities: 'all' }), /open/)
  t.match(await say('pids', 'ls /proc | grep -c "^[0-9]"'), /^[1-4]\n$/, 'its own processes only')
  await start('seen', ['sleep', '47140'])
  t.match(await say('peek', 'ps', { target: 'seen' }), /sleep 47140/, 'the processes of a container that it names')
  await t.rejects(start('blind', ['ps'], { target: 'none' }), { name: 'TargetError' })
  await t.rejects(start('bad', ['true'], { seccomp: { file: '../x' } }), /cannot load seccomp profile/)
  t.same((await runtime.images.list()).length, 2)
})

t.test('talking with containers', { skip }, async (t) => {
  const { runtime, start, endOf, said } = await openPod(t)
  await start('main', ['sleep', '3600'], { env: { PATH: '/bin', GREETING: 'me' } })
  const run = (words: readonly string[], ms = 10_000) => runtime.streams.exec('a_main_0', words, ms)
  t.same(await run(['sh', '-c', 'echo "$GREETING"; exit 4']), { exitCode: 4, output: 'me\n' })
  await t.rejects(run(['sleep', '47130'], 1_000), { name: 'ExecTimeout' })
  await until(() => commandLines().every((line) => !line.includes('47130')), 'its end')
  const words = ['sh', '-c', 'echo out; echo wrong >&2; exit 7']
  const { stdout, stderr, ended } = await runtime.streams.open('a_main_0', words, { stdin: false, tty: false })
  t.same(await Promise.all([text(stdout), text(stderr ?? stdout), ended]), ['out\n', 'wrong\n', 7])
  const much = await runtime.streams.open('a_main_0', ['cat'], { stdin: true, tty: false })
  much.stdin.end(Buffer.alloc(5_000_000, 'x'))
  t.equal((await text(much.stdout)).length, 5_000_000)
  await terminalContract(t, runtime, 'me')

  await start('once', ['sh', '-c', 'cat; exit 4'], { stdin: 'once' })
  const once = await runtime.streams.attach('a_once_0')
  once.stdin.end('typed\n')
  t.equal((await endOf('once')).code, 4)
  t.equal(await said('once'), 'typed\n')
  await start('term', ['sh'], { stdin: 'once', tty: true })
  const { stdin, output } = await runtime.streams.attach('a_term_0')
  stdin.write('echo $((6*7)); exit 5\n')
  let seen = ''
  for await (const bytes of output?.(new AbortController().signal) ?? []) seen += Buffer.from(bytes).toString()
  t.match(seen, /42\r\n/)
  t.equal((await endOf('term')).code, 5)
})

t.test('a log that is rotated while it is written', { skip }, async (t) => {
  const { runtime, start, endOf, folder, said } = await openPod(t)
  await start('main', ['sh', '-c', 'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done'])
  const file = join(folder, 'main.log')
  for (let times = 0; times < 3; times++) {
    await until(() => existsSync(file) && statSync(file).size > 1_000, 'some lines')
    await rotateCri(file, 9, () => runtime.containers.reopenLog?.('a_main_0') ?? Promise.reject(new Error('no way')))
  }
  await endOf('main')
  t.same(
    (await said('main')).split('\n').slice(0, -1),
    Array.from({ length: 20_000 }, (_, n) => `line ${n}`),
  )
})

t.test('containerd that hangs or is killed ends nothing', { skip }, async (t) => {
  const { runtime, create, start, endOf } = await openPod(t, {}, 'v1', 1_000)
  await start('main', ['sleep', '3600'])
  const all = createRuntimes([runtime], silentLogger)
  const before = await all.sandboxes.list()
  containerd?.hang(true)
  await until(
    () =>
      runtime.sandboxes.list().then(
        () => false,
        () => true,
      ),
    'no answer',
  )
  t.same(await all.sandboxes.list(), before, 'as it was')
  containerd?.hang(false)
  await until(
    () =>
      runtime.sandboxes.list().then(
        () => true,
        () => false,
      ),
    'an answer',
  )
  await containerd?.kill()
  await until(
    () =>
      runtime.sandboxes.list().then(
        () => false,
        () => true,
      ),
    'the failure',
  )
  t.same(await all.sandboxes.list(), before, 'as it was')
  await containerd?.start()
  await until(
    () =>
      runtime.sandboxes.list().then(
        () => true,
        () => false,
      ),
    'containerd',
  )
  t.same(await create().sandboxes.list(), before, 'and another agent finds the same')
  await runtime.containers.signal('a_main_0', 'KILL')
  t.equal((await endOf('main')).code, 137)
})
