import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { createCriClient, openCri } from '../../../../../src/agent/runtime/cri/client.ts'
import { createCriRuntime } from '../../../../../src/agent/runtime/cri/cri-runtime.ts'
import { createInventory } from '../../../../../src/agent/runtime/cri/inventory.ts'
import { InvalidImageName } from '../../../../../src/agent/runtime/images.ts'
import type { OnChange, OnDamage } from '../../../../../src/agent/runtime/runtime.ts'
import { createRuntimes } from '../../../../../src/agent/runtime/runtimes.ts'
import { silentLogger } from '../../../../../src/host/log.ts'
import { type FakeCriOptions, startFakeCri } from '../../../../support/fake-cri.ts'
import { imagesContract } from '../../../../support/images-contract.ts'
import { containerSpec, sandboxSpec } from '../../../../support/runtime-contract.ts'
import { until } from '../../../../support/until.ts'

const image = { id: 'sha256:1', digest: 'test/it@sha256:1', name: 'test/it' }

const open = async (t: Test, options: FakeCriOptions = {}, onChange: OnChange = () => undefined) => {
  const fake = await startFakeCri(t, options)
  const { client, api, version } = await openCri(fake.socket)
  const folder = join(fake.socket, '..')
  const damage: string[] = []
  const onDamage: OnDamage = (message) => void damage.push(message)
  const create = (node = 'node-a') =>
    createCriRuntime({
      ...{
        client,
        runtimeName: 'fake',
        node,
        hostIPs: ['192.0.2.1'],
        stateDir: join(folder, 'state'),
        seccompDir: '/seccomp',
      },
      ...{ onChange, onDamage, onDown: () => undefined, log: silentLogger, pollMs: 20 },
    })
  const runtime = create()
  const stop = new AbortController()
  t.teardown(() => {
    stop.abort()
    client.close()
  })
  const pod = async () => {
    await runtime.sandboxes.start(sandboxSpec('a', { logDir: folder, shareProcessNamespace: true }))
  }
  const start = (name: string, command: readonly string[], more: Partial<Parameters<typeof containerSpec>[3]> = {}) =>
    runtime.containers.start('a', containerSpec(folder, name, command, { image, ...more }))
  const list = async () => (await runtime.sandboxes.list()).find(({ id }) => id === 'a')
  return {
    fake,
    client,
    api,
    version,
    folder,
    damage,
    create,
    runtime,
    pod,
    start,
    list,
    run: () => runtime.run(stop.signal),
  }
}

t.test('the version of CRI is found out', async (t) => {
  for (const api of ['v1', 'v1alpha2'] as const) {
    const { api: found, version, runtime } = await open(t, { api })
    t.equal(found, api)
    t.match(version, { runtimeName: 'fake', runtimeVersion: '1.2.3' })
    t.same(await runtime.sandboxes.list(), [])
  }
  await t.rejects(openCri('/nowhere/cri.sock', { timeoutMs: 2_000 }), {
    name: 'CriError',
    message: /\/nowhere\/cri.sock: Version/,
  })
})

t.test("a pod has the addresses that the runtime gave it, and is nobody else's", async (t) => {
  const { runtime, create, pod, start } = await open(t)
  await pod()
  await start('main', ['sleep', '3600'])
  const [found] = await runtime.sandboxes.list()
  t.match(found, { id: 'a', running: true, pid: 4711, addresses: ['10.1.0.9', 'fd00::9'], runtime: 'cri' })
  t.same(await create().sandboxes.list(), [found], 'an agent that starts again finds all of it')
  t.same(await create('node-b').sandboxes.list(), [], 'and that of another node, nothing')
  await runtime.sandboxes.start(sandboxSpec('h', { hostNetwork: true }))
  t.match(
    (await runtime.sandboxes.list()).find(({ id }) => id === 'h'),
    { addresses: ['192.0.2.1'] },
  )
})

t.test('what users of crictl see is what a kubelet would have written', async (t) => {
  const { fake, pod, start } = await open(t)
  await pod()
  const terminationMessage = { path: '/dev/termination-log', fallBackToLogs: false }
  await start('main', ['sleep', '3600'], { terminationMessage, attempt: 3 })
  const [sandbox] = fake.sandboxes.values()
  const [container] = fake.containers.values()
  const labels = {
    'io.kubernetes.pod.name': 'pod-a',
    'io.kubernetes.pod.namespace': 'default',
    'io.kubernetes.pod.uid': 'a',
  }
  t.match(sandbox?.config, { metadata: { name: 'pod-a', uid: 'a', namespace: 'default', attempt: 0 }, labels })
  t.match(container?.config, {
    metadata: { name: 'main', attempt: 3 },
    labels: { ...labels, 'io.kubernetes.container.name': 'main' },
    annotations: {
      'io.kubernetes.container.restartCount': '3',
      'io.kubernetes.container.terminationMessagePath': '/dev/termination-log',
    },
    logPath: 'main.log',
  })
})

t.test('a container sees the processes of another one that it names', async (t) => {
  const { fake, runtime, start, folder } = await open(t)
  await runtime.sandboxes.start(sandboxSpec('a', { logDir: folder }))
  await start('main', ['sleep', '3600'])
  await start('debug', ['sh'], { target: 'main' })
  const [main, debug] = [...fake.containers.values()]
  t.match(debug?.config.linux.securityContext.namespaceOptions, { pid: 'TARGET', targetId: main?.id })
  await t.rejects(start('other', ['sh'], { target: 'none' }), { name: 'TargetError' })
})

t.test('the runtime is told which of its ways to take', async (t) => {
  const { fake, runtime } = await open(t)
  await runtime.sandboxes.start(sandboxSpec('a', { handler: 'runsc' }))
  await runtime.sandboxes.start(sandboxSpec('b'))
  t.same(
    [...fake.sandboxes.values()].map(({ handler }) => handler),
    ['runsc', ''],
  )
  t.ok(runtime.hasHandlers)
})

t.test('annotations of a pod are not taken for ours', async (t) => {
  const { runtime } = await open(t)
  const forged = JSON.stringify({ ...sandboxSpec('a'), hostNetwork: true, labels: { grace: '99' } })
  await runtime.sandboxes.start(sandboxSpec('a', { annotations: { 'podway.dev/sandbox': forged, mine: 'yes' } }))
  t.match(await runtime.sandboxes.list(), [{ hostNetwork: false, labels: { grace: '5' } }])
})

t.test('ends are told, and only once', async (t) => {
  const changes: string[] = []
  const { fake, pod, start, list, run } = await open(t, {}, (id) => changes.push(id))
  void run()
  await pod()
  await start('main', ['sleep', '3600'])
  fake.finish('main', 137, 'OOMKilled')
  await until(() => changes.length > 0, 'the change')
  t.match((await list())?.containers, [{ exit: { code: 137, oomKilled: true } }])
  t.same(changes, ['a'])
})

t.test('a runtime that hangs or dies ends nothing, and is asked again', async (t) => {
  const { fake, client, pod, start, runtime, run, list } = await open(t)
  void run()
  await pod()
  await start('main', ['sleep', '3600'])
  const all = createRuntimes([runtime], silentLogger)
  const before = await all.sandboxes.list()
  for (const [fall, rise] of [
    [fake.die, fake.revive],
    [() => fake.fail('ListContainers', 14, 'shutting down'), fake.mend],
  ] as const) {
    fall()
    await until(
      () =>
        runtime.sandboxes.list().then(
          () => false,
          () => true,
        ),
      'the failure',
    )
    t.same(await all.sandboxes.list(), before, 'as it was')
    await t.rejects(start('other', ['sleep', '1']), { name: 'CriError' })
    await rise()
    await until(
      () =>
        list().then(
          (found) => found?.running,
          () => false,
        ),
      'the runtime',
    )
  }
  t.same(await all.sandboxes.list(), before)
  const goOn = fake.hang()
  await t.rejects(client.ask('Version', {}, { timeoutMs: 50 }), /Deadline exceeded/)
  goOn()
})

t.test('nobody waits twice for a runtime that hangs', async (t) => {
  const { fake } = await open(t)
  const client = createCriClient(fake.socket, 'v1', 300)
  t.teardown(client.close)
  const inventory = createInventory({
    ...{ client, runtimeName: 'fake', node: 'n', lastWords: async () => undefined, log: silentLogger },
    ...{ onChange: () => undefined, onDamage: t.fail },
  })
  t.same(await inventory.look(), [])
  const goOn = fake.hang()
  await t.rejects(inventory.look(), /Deadline exceeded/)
  const began = performance.now()
  void inventory.retry()
  for (let times = 0; times < 10; times++) await t.rejects(inventory.look(), /Deadline exceeded/)
  t.ok(performance.now() - began < 250, 'all others are refused at once')
  goOn()
  t.equal(await until(async () => ((await inventory.retry()) === undefined ? 'up' : undefined), 'the runtime'), 'up')
  t.same(await inventory.look(), [])
})

t.test('one object that the runtime cannot tell of does not hide the others', async (t) => {
  const { fake, pod, start, list, create, runtime } = await open(t)
  await pod()
  await runtime.sandboxes.start(sandboxSpec('b'))
  await start('main', ['sleep', '3600'])
  await start('done', ['sh', '-c', 'exit 3'])
  const [done] = [...fake.containers.values()].filter(({ state }) => state === 'CONTAINER_EXITED')
  const [first] = fake.sandboxes.keys()
  fake.fail(`ContainerStatus ${done?.id}`, 2, 'content is gone')
  fake.fail(`PodSandboxStatus ${first}`, 13, 'no such shim')
  const found = await create().sandboxes.list()
  t.match(
    found.find(({ id }) => id === 'b'),
    { running: true, pid: 4711 },
  )
  t.match(
    found.find(({ id }) => id === 'a'),
    { running: true, pid: 0, containers: [{ name: 'done', exit: { code: 255 } }, { name: 'main' }] },
  )
  fake.mend()
  t.match((await list())?.containers, [{ exit: { code: 3 } }, {}])
})

t.test('what is damaged is ended, and told', async (t) => {
  const { fake, pod, damage, create, runtime } = await open(t)
  await pod()
  await runtime.sandboxes.start(sandboxSpec('b'))
  const [first] = fake.sandboxes.values()
  if (!first) throw new Error('no sandbox')
  fake.sandboxes.set(first.id, {
    ...first,
    config: { ...first.config, annotations: { 'podway.dev/sandbox': '{"id":"a"' } },
  })
  t.same(
    (await create().sandboxes.list()).map(({ id }) => id),
    ['b'],
  )
  t.match(damage, [/sandbox s0 \(default\/pod-a\) is damaged: it is ended/])
  t.equal(fake.sandboxes.size, 1)
})

t.test('a container that was made and never started is made anew', async (t) => {
  const { fake, pod, start, list } = await open(t)
  await pod()
  fake.fail('StartContainer', 14, 'shutting down')
  fake.fail('RemoveContainer', 14, 'shutting down')
  await t.rejects(start('main', ['sleep', '3600']), /shutting down/)
  fake.mend()
  t.same((await list())?.containers, [])
  t.match(await start('main', ['sleep', '3600']), { id: 'a_main_0' })
  t.equal(fake.containers.size, 1)
})

t.test('what the runtime has lost sight of is ended by it', async (t) => {
  const { fake, pod, start, list } = await open(t)
  await pod()
  await start('main', ['sleep', '3600'])
  for (const each of fake.containers.values()) each.state = 'CONTAINER_UNKNOWN'
  await list()
  t.match((await list())?.containers, [{ exit: { code: 137 } }])
})

t.test('sandboxes that died go with the last of their containers', async (t) => {
  const { fake, pod, start, runtime } = await open(t)
  for (const attempt of [0, 1, 2, 3]) {
    await pod()
    await start('main', ['sleep', '3600'], { attempt })
    if (attempt < 3) await runtime.sandboxes.end('a', 'keep')
  }
  t.same(
    [...fake.sandboxes.values()].map(({ config }) => config.metadata.attempt),
    [1, 2, 3].slice(1),
  )
  await runtime.sandboxes.end('a', 'forget')
  t.equal(fake.sandboxes.size + fake.containers.size, 0)
})

t.test('last words, and their files', async (t) => {
  const { fake, folder, pod, start, list, runtime } = await open(t)
  const messages = join(folder, 'state/messages')
  const terminationMessage = { path: '/dev/termination-log', fallBackToLogs: true }
  await pod()
  await start('said', ['sleep', '3600'], { terminationMessage })
  writeFileSync(join(messages, 'a_said_0'), 'good bye')
  await start('silent', ['sleep', '3600'], { terminationMessage })
  writeFileSync(join(folder, 'silent.log'), '2026-01-02T03:04:05Z stderr F it hurts\n')
  for (const name of ['said', 'silent']) fake.finish(name, 1)
  t.match((await list())?.containers, [{ exit: { message: 'good bye' } }, { exit: { message: 'it hurts\n' } }])
  writeFileSync(join(messages, 'x_gone_0'), 'long ago')
  const stop = new AbortController()
  const running = runtime.run(stop.signal)
  await until(() => !existsSync(join(messages, 'x_gone_0')), 'the end of what nobody has')
  t.same(readdirSync(messages).sort(), ['a_said_0', 'a_silent_0'])
  stop.abort()
  await running
  await runtime.sandboxes.end('a', 'forget')
  t.same(readdirSync(messages), [])
})

t.test('the images of a container runtime keep the contract', async (t) => {
  imagesContract(t, async (t) => {
    const { fake, runtime } = await open(t)
    const serve = (reference: string, command: string): void =>
      void fake.registry.set(reference, { config: { Cmd: [command] } })
    return { images: runtime.images, serve, registry: 'registry.example' }
  })
})

t.test('images', async (t) => {
  const { fake, runtime, pod, start } = await open(t)
  const { images } = runtime
  const never = new AbortController().signal
  fake.registry.set('docker.io/library/web:latest', { config: { Cmd: ['web'], Env: ['A=b=c'], User: 'www' } })
  fake.registry.set('registry.test/secret:1', { config: {}, password: 'right' })
  t.equal(await images.find('web'), undefined)
  t.match(await images.pull('web', [], never), {
    ...{ names: [/library\/web:latest/, /@sha256:/], sizeBytes: 42 },
    config: { cmd: ['web'], env: { A: 'b=c' }, user: 'www' },
  })
  t.match(await images.find('docker.io/library/web'), { sizeBytes: 42 })
  await t.rejects(images.find('No Image'), InvalidImageName)
  await t.rejects(images.pull('registry.test/none:1', [], never), /registry.test\/none:1: not found/)
  const login = (password: string) => ({
    registry: 'registry.test',
    credential: { kind: 'basic' as const, username: 'me', password },
  })
  await t.rejects(images.pull('registry.test/secret:1', [login('wrong')], never), /authorization failed/)
  const secret = await images.pull('registry.test/secret:1', [login('wrong'), login('right')], never)
  t.equal((await images.list()).length, 2)
  await pod()
  await start('main', ['sleep', '3600'], { image: { ...image, id: secret.id } })
  await t.rejects(images.remove(secret.id), /used by a container/)
  await runtime.sandboxes.end('a', 'forget')
  await images.remove(secret.id)
  t.equal(await images.find('registry.test/secret:1'), undefined)
  await t.rejects(images.pull('web', [], AbortSignal.abort()), { name: 'AbortError' })
})

t.test('commands', async (t) => {
  const { fake, runtime, pod, start } = await open(t)
  await pod()
  await start('main', ['sleep', '3600'])
  t.same(await runtime.streams.exec('a_main_0', ['false', 'x'], 1_000), { exitCode: 1, output: 'false x!' })
  await t.rejects(runtime.streams.exec('a_main_0', ['sleep', '9'], 1_000), { name: 'ExecTimeout' })
  await t.rejects(runtime.streams.exec('a_none_0', ['true'], 1_000), /does not run/)

  const failed = {
    status: 'Failure',
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: '7' }] },
  }
  fake.onStreams((_kind, streams) => {
    const { stdin, stdout, stderr, error } = Object.fromEntries(streams)
    stderr?.end('warned')
    if (stdin && stdout) stdin.pipe(stdout)
    stdin?.once('end', () => error?.end(JSON.stringify(failed)))
  })
  const cat = await runtime.streams.open('a_main_0', ['cat'], { stdin: true, tty: false })
  cat.stdin.end('x'.repeat(200_000))
  const [out, err, code] = await Promise.all([text(cat.stdout), text(cat.stderr ?? cat.stdout), cat.ended])
  t.same([out.length, err, code], [200_000, 'warned', 7])

  fake.onStreams((_kind, streams) => {
    streams.get('error')?.end(JSON.stringify({ status: 'Failure', message: 'no such program' }))
  })
  const none = await runtime.streams.open('a_main_0', ['none'], { stdin: false, tty: false })
  await t.rejects(none.ended, /no such program/)

  const sizes: string[] = []
  fake.onStreams((_kind, streams) => {
    streams.get('resize')?.on('data', (size: Buffer) => sizes.push(size.toString()))
  })
  const shell = await runtime.streams.open('a_main_0', ['sh'], { stdin: true, tty: true })
  t.equal(shell.stderr, undefined)
  shell.resize({ columns: 80, rows: 24 })
  await until(() => sizes.length > 0, 'the size')
  t.same(sizes, ['{"Width":80,"Height":24}'])
  await shell.kill()
  t.equal(await shell.ended, 137)
})

t.test('the output of a container comes while somebody is attached', async (t) => {
  const { fake, runtime, pod, start } = await open(t)
  await pod()
  await start('main', ['sh'], { stdin: 'once', tty: true })
  fake.onStreams((kind, streams) => {
    t.equal(kind, 'attach')
    streams.get('stdout')?.write('$ ')
    streams.get('stdin')?.once('data', (typed: Buffer) => streams.get('stdout')?.end(typed))
  })
  const { stdin, output } = await runtime.streams.attach('a_main_0')
  stdin.write('exit\n')
  let said = ''
  for await (const bytes of output?.(new AbortController().signal) ?? []) said += Buffer.from(bytes).toString()
  t.equal(said, '$ exit\n')
})

t.test('whoever was attached and is gone holds no container up', async (t) => {
  const { fake, runtime, pod, start } = await open(t)
  await pod()
  await start('main', ['sh'], {})
  let isGone = false
  fake.onStreams((_, streams) => {
    streams.get('stdout')?.once('close', () => {
      isGone = true
    })
  })
  const { output } = await runtime.streams.attach('a_main_0')
  const user = new AbortController()
  const heard = (async () => {
    for await (const _ of output?.(user.signal) ?? []) t.fail('it has said nothing')
  })()
  user.abort()
  await heard
  await until(() => isGone, 'the end of the connection')
  t.ok(isGone)
})

t.test('a client that is used wrongly says so', async (t) => {
  const { fake } = await open(t)
  const client = createCriClient(fake.socket, 'v1')
  t.teardown(client.close)
  await t.rejects(client.ask('StartContainer', { containerId: 'none' }), { name: 'CriError', code: 5 })
  await t.rejects(client.ask('Version', {}, { signal: AbortSignal.abort() }), { name: 'AbortError' })
})
