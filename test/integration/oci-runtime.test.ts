import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import type { ContainerSpec } from '../../src/agent/runtime/containers.ts'
import type { OnChange } from '../../src/agent/runtime/runtime.ts'
import type { Cgroups } from '../../src/host/cgroup.ts'
import { makeBusyboxRoot } from '../support/busybox-root.ts'
import { cgroupsFor, commandLines, exitOf, isRealRoot, leftGroups } from '../support/left-on-node.ts'
import { busyboxImage, noOciRuntime, testOciRuntime } from '../support/oci-runtime.ts'
import { runRuntime } from '../support/run-runtime.ts'
import { containerSpec, runtimeContract, sandboxSpec } from '../support/runtime-contract.ts'
import { commandContract, inputContract } from '../support/talking-contract.ts'
import { until } from '../support/until.ts'

t.setTimeout(400_000)

const skip = (await noOciRuntime()) ?? false
const layers = mkdtempSync(join(tmpdir(), 'podway-'))
if (!skip) makeBusyboxRoot(join(layers, 'root'))
t.teardown(() => rmSync(layers, { recursive: true }))

const open = async (t: Test, onChange: OnChange = () => undefined, cgroups?: Cgroups, image = layers) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  const runtime = await testOciRuntime(folder, image, { onChange, onDamage: t.fail, cgroups })
  runRuntime(t, runtime, folder)
  return { runtime, folder, container: { image: busyboxImage } }
}

type More = Partial<ContainerSpec>

/** A pod `a` in a runtime of its own. */
const openPod = async (t: Test, more: Parameters<typeof sandboxSpec>[1] = {}, cgroups?: Cgroups) => {
  const { runtime, folder } = await open(t, undefined, cgroups)
  await runtime.sandboxes.start(sandboxSpec('a', more))
  const start = (name: string, command: readonly string[], spec: More = {}) =>
    runtime.containers.start('a', containerSpec(folder, name, command, { image: busyboxImage, ...spec }))
  const said = (name: string): string => readFileSync(join(folder, `${name}.log`), 'utf8')
  const endOf = (name: string, attempt = 0) =>
    until(() => exitOf(runtime, `a_${name}_${attempt}`), `the end of ${name}`, 20_000)
  /** Runs a script to its end; what it said. */
  const say = async (name: string, script: string, spec: More = {}): Promise<string> => {
    await start(name, ['sh', '-c', script], spec)
    await endOf(name)
    return said(name)
  }
  return { runtime, folder, start, said, endOf, say }
}

t.test('containers of images keep the contract', { skip }, async (t) => {
  // A process that is the first of its namespace ignores TERM: in a shared one it is not.
  runtimeContract(t, async (t, onChange) => ({
    ...(await open(t, onChange)),
    sandbox: { shareProcessNamespace: true },
  }))
})

t.test('what a container sees', { skip }, async (t) => {
  const hosts = join(layers, 'hosts')
  writeFileSync(hosts, '10.1.2.3 me\n')
  const mounts = [{ source: hosts, target: '/etc/hosts', kind: 'file' as const, readOnly: false }]
  const { say, start, runtime, folder } = await openPod(t, { mounts })

  const script = 'cat /etc/hostname; cat /etc/hosts; pwd; cat /proc/1/comm; ip -o link | wc -l; cat; echo "$@"; ls /'
  await start('view', ['sh', '-c', script, '-', 'a b', '$HOME'], { workingDir: '/made/for it' })
  await until(() => exitOf(runtime, 'a_view_0'), 'the end')
  t.same(readFileSync(join(folder, 'view.log'), 'utf8').split('\n'), [
    ...['pod-a', '10.1.2.3 me', '/made/for it', 'sh', '1', 'a b $HOME'],
    ...['bin', 'dev', 'etc', 'home', 'made', 'proc', 'root', 'sys', 'tmp', 'usr', 'var', ''],
  ])
  t.same(readdirSync(join(layers, 'root')).includes('made'), false, 'the image stays as it is')

  const env = { PATH: '/bin', GREETING: `it's "so" $HOME\nyes`, 'my.odd-name': '1 2', IFS: 'x' }
  await start('env', ['env', '-0'], { env })
  await until(() => exitOf(runtime, 'a_env_0'), 'the end')
  const found = readFileSync(join(folder, 'env.log'), 'utf8').split('\0').filter(Boolean)
  for (const [name, value] of Object.entries(env)) t.ok(found.includes(`${name}=${value}`), name)
  t.ok(found.includes('HOME=/root'), 'by the image')
  t.notOk(
    found.some((each) => each.includes('podway') || each.startsWith('NODE_')),
    'nothing of the node',
  )

  t.equal(await say('signals', "grep SigIgn /proc/self/status | tr -d '\\t'"), 'SigIgn:0000000000000000\n')
  t.match(await say('pids', 'ls /proc | grep -c "^[0-9]"'), /^[1-4]\n$/, 'its own processes only')
  t.equal(
    await say('devices', 'ls /dev | tr "\\n" " "'),
    'fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero ',
  )
  await say('writer', 'echo shared > /dev/shm/word')
  t.equal(
    await say('reader', 'cat /dev/shm/word; df -m /dev/shm | tail -1 | tr -s " " | cut -d " " -f 2'),
    'shared\n64\n',
  )
  const masked = await say(
    'masked',
    'exec 2>&1; wc -c < /proc/keys; ls /sys/firmware | wc -l; echo 1 > /proc/sys/kernel/panic; mkdir /sys/x',
  )
  t.match(masked, /^0\n0\n.*[Rr]ead-only file system\n.*[Rr]ead-only file system\n$/s)
  t.match(await say('again', 'ls /made 2>&1'), /No such file/, 'each container has a root of its own')
})

t.test(
  'who a container is',
  { skip: skip || (!isRealRoot && 'needs root: a user namespace has one user') },
  async (t) => {
    const { say, start } = await openPod(t)
    const script = 'id -u; id -g; id -G; grep CapEff /proc/self/status | cut -f 2; touch /x 2>&1'
    t.equal(await say('root', script), '0\n0\n0 10\n00000000a00425fb\n')
    t.match(
      await say('named', script, { user: { named: 'app' } }),
      /^1000\n1001\n1001 2000\n0000000000000000\n.*denied/s,
    )
    t.match(await say('with', script, { user: { named: 'app:wheel' }, groups: [77] }), /^1000\n10\n10 77 2000\n/)
    t.match(await say('own-group', script, { user: { uid: 1000 } }), /^1000\n1001\n1001 2000\n/)
    t.match(await say('unknown', script, { user: { uid: 4242 } }), /^4242\n0\n0\n/)
    t.match(await say('number', script, { user: { uid: 4242, gid: 4243 } }), /^4242\n4243\n4243\n/)
    await t.rejects(start('nobody', ['true'], { user: { named: 'mallory' } }), /unable to find user mallory/)
  },
)

t.test('what a container may do', { skip }, async (t) => {
  const { say, start, folder } = await openPod(t)
  const caps = 'grep -E "CapBnd|NoNewPrivs" /proc/self/status | cut -f 2 | tr "\\n" " "'
  t.match(await say('none', caps, { capabilities: [], noNewPrivileges: true }), /^0000000000000000 1 $/)
  t.match(await say('one', caps, { capabilities: ['net_raw'] }), /^0000000000002000 0 $/)
  t.match(
    await say('closed', 'touch /x 2>&1; touch /dev/shm/y && echo fine', { readOnlyRoot: true }),
    /Read-only file system\nfine/,
  )

  const seccomp = 'unshare -U true 2>&1; grep Seccomp: /proc/self/status | cut -f 2'
  t.match(await say('filtered', seccomp, { seccomp: 'default' }), /Operation not permitted\n2\n$/)
  t.match(await say('open', 'grep Seccomp: /proc/self/status | cut -f 2'), /^0\n$/)
  mkdirSync(join(folder, 'seccomp'))
  const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }] }
  writeFileSync(join(folder, 'seccomp/nomkdir.json'), JSON.stringify(profile))
  t.match(await say('file', 'mkdir /y 2>&1', { seccomp: { file: 'nomkdir.json' } }), /not permitted/)
  for (const file of ['../state/x.json', '/etc/passwd', 'none.json', '.'])
    await t.rejects(start('bad', ['true'], { seccomp: { file } }), /cannot load seccomp profile/)

  await t.rejects(start('confined', ['true'], { appArmor: 'default' }), /AppArmor is not enabled/)
  const all = 'test -w /proc/sys/kernel && echo open; mount -t tmpfs x /tmp && echo mounted; ls /dev | wc -l'
  const privileged = (await say('privileged', all, { privileged: true, capabilities: 'all' })).split('\n')
  t.same(privileged.slice(0, 2), ['open', 'mounted'])
  t.ok(Number(privileged[2]) >= 14, 'devices of the node')
})

/** What is the container's own, where pods of processes have the node's. */
const ownThings = [
  ...['/home/app is there', 'writing to /usr/bin/podway-evil', 'writing to /etc/podway-evil', 'control groups'],
].map((what) => `OPEN ${what}`)

t.test('a container of an image is no way to the node', { skip }, async (t) => {
  process.env['LAUNCHER_SECRET'] = 'the-secret'
  const secret = join(layers, 'secret')
  writeFileSync(secret, 'the-secret\n', { mode: 0o600 })
  const attack = ['sh', '-c', readFileSync(join(import.meta.dirname, '../support/attack.sh'), 'utf8'), 'attack', secret]
  const { parent, cgroups } = await cgroupsFor(t)
  for (const more of [{}, { hostNetwork: true }, { shareProcessNamespace: true }])
    await t.test(JSON.stringify(more), async (t) => {
      const { start, said, endOf, runtime } = await openPod(t, more, cgroups)
      await start('attack', attack)
      await endOf('attack')
      const found = said('attack').trim().split('\n')
      t.same(
        found.filter((line) => !ownThings.includes(line)),
        ['done'],
      )
      await start('stays', ['sleep', '3600'])
      const { output } = await runtime.streams.exec('a_stays_0', attack, 30_000)
      t.same(
        output.split('\n').filter((line) => line !== '' && !ownThings.includes(line)),
        ['done'],
        'nor for a probe',
      )
    })
  delete process.env['LAUNCHER_SECRET']
  t.same(cgroups ? leftGroups(parent) : [], [])
})

t.test('ends', { skip }, async (t) => {
  const { start, said, endOf, runtime } = await openPod(t)
  const up = (name: string) => until(() => existsLog(name).includes('up'), 'the trap')
  const existsLog = (name: string) => said(name)
  const trap = (signal: string, code: number) =>
    ['sh', '-c', `trap 'echo bye; exit ${code}' ${signal}; echo up; while :; do sleep 0.05; done`] as const

  await t.test('a program that tidies up ends with its own code', async (t) => {
    await start('tidy', trap('TERM', 7))
    await up('tidy')
    await runtime.containers.signal('a_tidy_0', 'TERM')
    t.equal((await endOf('tidy')).code, 7)
    t.equal(said('tidy'), 'up\nbye\n')
  })
  await t.test("by the image's own signal", async (t) => {
    const signals = { SIGQUIT: 'QUIT', 10: 'USR1', 'SIGRTMIN+3': '37' }
    for (const [stopSignal, signal] of Object.entries(signals)) {
      const name = `stop-${signal.toLowerCase()}`
      await start(name, trap(signal, 8), { stopSignal })
      await up(name)
      await runtime.containers.signal(`a_${name}_0`, 'TERM')
      t.equal((await endOf(name)).code, 8, `by ${stopSignal}`)
    }
  })
  await t.test('KILL ends all of it', async (t) => {
    await start('many', ['sh', '-c', 'setsid sleep 47120 & trap "" TERM; echo up; while :; do sleep 1; done'])
    await up('many')
    await runtime.containers.signal('a_many_0', 'KILL')
    t.equal((await endOf('many')).code, 137)
    await until(() => commandLines().every((line) => !line.includes('47120')), 'the end of the child')
  })
  await t.test('what the main process leaves behind ends with it', async (t) => {
    await start('parent', ['sh', '-c', 'setsid sleep 47121 & exit 5'])
    t.equal((await endOf('parent')).code, 5)
    await until(() => commandLines().every((line) => !line.includes('47121')), 'the end of the child')
  })
  await t.test('by a signal of its own', async (t) => {
    await start('self', ['sh', '-c', 'sh -c "kill -SEGV \\$\\$"; exit $?'])
    t.equal((await endOf('self')).code, 139)
  })
  await t.test('nothing to run', async (t) => {
    for (const [name, command, why] of [
      ['none', ['no-such-program'], /executable file not found in \$PATH/],
      ['folder', ['/etc'], /permission denied|is a directory/],
      ['plain', ['/etc/passwd'], /permission denied/],
    ] as const) {
      const { exit } = await start(name, command)
      t.match(exit, { code: 128, startError: why })
      t.equal(said(name), '', "the log is the container's own")
    }
  })
})

t.test(
  'an image whose users are in no regular file is refused before its runtime program waits for them',
  { skip },
  async (t) => {
    const image = mkdtempSync(join(tmpdir(), 'podway-'))
    t.teardown(() => rmSync(image, { recursive: true }))
    makeBusyboxRoot(join(image, 'root'))
    const group = join(image, 'root/etc/group')
    rmSync(group)
    execFileSync('mkfifo', [group])
    const { runtime, folder, container } = await open(t, undefined, undefined, image)
    await runtime.sandboxes.start(sandboxSpec('a'))
    const start = () => runtime.containers.start('a', containerSpec(folder, 'main', ['true'], container))
    await t.rejects(start(), /cannot start container main: \/etc\/group is a named pipe: it has to be a regular file/)
  },
)

t.test('last words', { skip }, async (t) => {
  const { start, endOf } = await openPod(t)
  const at = (path: string, fallBackToLogs = false) => ({ terminationMessage: { path, fallBackToLogs } })
  const messageOf = async (name: string, script: string, more: More) => {
    await start(name, ['sh', '-c', script], more)
    return (await endOf(name)).message
  }
  t.equal(await messageOf('said', 'echo done > /dev/termination-log', at('/dev/termination-log')), 'done\n')
  t.equal(
    await messageOf('own', 'echo mine > /var/last', {
      ...at('/var/last'),
      user: isRealRoot ? { uid: 99, gid: 99 } : { uid: 0, gid: 0 },
    }),
    'mine\n',
  )
  t.equal(await messageOf('silent', 'echo log; exit 1', at('/dev/termination-log')), undefined)
  t.equal(await messageOf('logged', 'echo log; exit 1', at('/dev/termination-log', true)), 'log\n')
  t.equal(await messageOf('well', 'echo log', at('/dev/termination-log', true)), undefined, 'only of a failure')
  const long = await messageOf(
    'long',
    'i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; exit 1',
    at('/x', true),
  )
  t.equal(long?.split('\n').length, 80)
  t.match(long, /line 499$/)
  t.equal((await messageOf('much', 'head -c 100000 /dev/zero | tr "\\0" x > /x', at('/x')))?.length, 4096)
  t.equal(
    await messageOf('link', 'rm -f /x; ln -s /etc/passwd /x', at('/x')),
    undefined,
    'a link is not followed on the node',
  )
})

t.test('exec', { skip }, async (t) => {
  const { start, runtime } = await openPod(t)
  await start('main', ['sleep', '3600'], { env: { PATH: '/bin', GREETING: 'me' }, workingDir: '/usr' })
  const run = (command: readonly string[], timeoutMs = 10_000) => runtime.streams.exec('a_main_0', command, timeoutMs)
  t.same(await run(['sh', '-c', 'echo "$GREETING"; pwd; hostname; cat /proc/1/comm; exit 4']), {
    ...{ exitCode: 4, output: 'me\n/usr\npod-a\nsleep\n' },
  })
  const missing = await run(['no-such'])
  t.not(missing.exitCode, 0)
  t.match(missing.output, /executable file not found/)
  await t.rejects(run(['sleep', '47122'], 500), { name: 'ExecTimeout' })
  await until(() => commandLines().every((line) => !line.includes('47122')), 'its end')

  const command = (words: readonly string[]) => runtime.streams.open('a_main_0', words, { stdin: true, tty: false })
  const { stdout, stderr, ended } = await command(['sh', '-c', 'echo out; echo wrong >&2; exit 7'])
  t.same(await Promise.all([text(stdout), text(stderr ?? stdout), ended]), ['out\n', 'wrong\n', 7])
  const again = await command(['sh', '-c', 'cat /dev/stdin > /dev/stdout'])
  again.stdin.end('through')
  t.equal(await text(again.stdout), 'through')

  await commandContract(t, runtime, 'me')
})

t.test('talking with a container', { skip }, async (t) => {
  const { start, folder, runtime } = await openPod(t)
  await inputContract(t, { runtime, folder, start, onTerm: { script: 'trap "exit 9" TERM;', code: 9 } })
  t.match((await start('none', ['/no/such'], { tty: true })).exit, { code: 128 })
})

t.test('namespaces that are shared', { skip }, async (t) => {
  await t.test('with the node', async (t) => {
    const { say } = await openPod(t, { hostNetwork: true, hostPID: true, hostIPC: true })
    const script = 'for kind in net pid ipc; do readlink /proc/self/ns/$kind; done; hostname'
    const own = ['net', 'pid', 'ipc'].map((kind) => readlinkSync(`/proc/self/ns/${kind}`))
    t.same((await say('look', script)).trim().split('\n'), [...own, hostname()])
  })
  await t.test('processes, with the other containers', async (t) => {
    const { start, say, runtime } = await openPod(t, { shareProcessNamespace: true })
    await start('one', ['sleep', '47125'])
    t.match(await say('two', 'ps | grep -v grep'), /sleep 47125/)
    await t.rejects(start('root', ['true'], { capabilities: ['sys_ptrace'] }), /SYS_PTRACE leads to this node/)
    t.equal(await exitOf(runtime, 'a_one_0'), undefined)
  })
  await t.test('processes, with one that looks into another container', async (t) => {
    const { start, say, endOf, runtime } = await openPod(t)
    await start('one', ['sleep', '47126'])
    await start('two', ['sleep', '47127'])
    const seen = await say('look', 'ps; ls /proc/1/root/bin/busybox', { target: 'one', capabilities: ['sys_ptrace'] })
    t.match(seen, /sleep 47126[\s\S]*\/bin\/busybox/, 'its processes and its files')
    t.notMatch(seen, /47127|runc|crun|shim/, 'and nobody else')
    await start('stays', ['sleep', '600'], { target: 'one' })
    t.match(await runtime.streams.exec('a_stays_0', ['ps'], 10_000), { exitCode: 0, output: /sleep 47126/ })
    await runtime.containers.signal('a_stays_0', 'TERM')
    t.match(await endOf('stays'), { code: 143 })
    await start('again', ['sleep', '600'], { target: 'one' })
    await runtime.containers.signal('a_one_0', 'KILL')
    t.match(await endOf('again'), { code: 137 }, 'it ends with its target')
  })
  await t.test('kernel settings of the pod', async (t) => {
    const { say, runtime } = await openPod(t, { sysctls: { 'net.ipv4.ip_unprivileged_port_start': '80' } })
    t.equal(await say('look', 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start'), '80\n')
    for (const name of ['kernel.panic', 'net.core.somaxconn', 'net.ipv4.ip_forward'])
      await t.rejects(runtime.sandboxes.start(sandboxSpec('b', { sysctls: { [name]: '1' } })), /forbidden sysctl/)
  })
})

t.test('limits', { skip: skip || (!isRealRoot && 'needs root: control groups') }, async (t) => {
  const { parent, cgroups } = await cgroupsFor(t)
  const { start, said, endOf, say, runtime } = await openPod(t, { shareProcessNamespace: true }, cgroups)
  const limits = { memoryBytes: 24 << 20, cpuMilli: 500, pids: 32 }
  await start('eater', ['sh', '-c', 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done'], { limits })
  t.match(await endOf('eater'), { code: 137, oomKilled: true })
  const few = { limits: { pids: 4 } }
  t.notMatch(await say('forks', 'for i in 1 2 3 4 5 6 7 8; do sleep 3600 & done; echo all', few), /all/)
  const mknod: More = { capabilities: ['mknod'] }
  t.match(await say('device', 'mknod /dev/x b 8 0; cat /dev/x 2>&1', mknod), /not permitted/, 'devices are guarded')
  t.match(await say('root', 'mknod /x c 1 3; cat /x 2>&1', mknod), /Permission denied/, 'none opens in the root')
  const script = 'setsid sleep 47126 & trap "exit 3" TERM; echo up; while :; do sleep 0.1; done'
  await start('left', ['sh', '-c', script])
  await until(() => said('left').includes('up'), 'the trap')
  await runtime.containers.signal('a_left_0', 'TERM')
  t.equal((await endOf('left')).code, 3, 'what it has left behind in the namespace of all ends with it')
  await until(() => commandLines().every((line) => !line.includes('47126')), 'the end of the child')
  await start('stray', ['sh', '-c', 'setsid sleep 3600 & sleep 3600'])
  t.equal((await runtime.streams.exec('a_stray_0', ['true'], 10_000)).exitCode, 0)
  await runtime.sandboxes.end('a', 'forget')
  t.same(leftGroups(parent), [], 'no group is left but that of all')
})

t.test('what is mounted on the node later is seen below a volume that asks for it', { skip }, async (t) => {
  const volume = join(layers, 'volume')
  mkdirSync(join(volume, 'later'), { recursive: true })
  execFileSync('sh', ['-c', 'mount --bind "$0" "$0" && mount --make-shared "$0"', volume])
  t.teardown(() => execFileSync('umount', ['--lazy', '--recursive', volume]))
  const { start, runtime } = await openPod(t)
  const mount = { source: volume, kind: 'folder' as const, readOnly: false }
  const mounts = [
    { ...mount, target: '/seen', propagation: 'host-to-container' as const },
    { ...mount, target: '/own' },
  ]
  await start('main', ['sleep', '3600'], { mounts })
  execFileSync('sh', ['-c', 'mount -t tmpfs later "$0/later" && echo late > "$0/later/word"', volume])
  const read = async (file: string) => (await runtime.streams.exec('a_main_0', ['cat', file], 10_000)).output
  t.equal(await read('/seen/later/word'), 'late\n')
  t.match(await read('/own/later/word'), /No such file/)
})
