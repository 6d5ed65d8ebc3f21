/** What every runtime must do, told with commands that both the fake and the real ones know. */
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import type { ContainerSpec } from '../../src/agent/runtime/containers.ts'
import type { OnChange, Runtime } from '../../src/agent/runtime/runtime.ts'
import type { SandboxRecord, SandboxSpec } from '../../src/agent/runtime/sandboxes.ts'
import { until } from './until.ts'

/** A sandbox as the tests start it. */
export const sandboxSpec = (id: string, more: Partial<SandboxSpec> = {}): SandboxSpec => ({
  ...{ id, namespace: 'default', name: `pod-${id}`, hostname: `pod-${id}`, hostNetwork: false, mounts: [] },
  ...{ labels: { grace: '5' }, ...more },
})

/** A container as the tests start it. */
export const containerSpec = (
  folder: string,
  name: string,
  command: readonly string[],
  more: Partial<ContainerSpec> = {},
): ContainerSpec => ({
  ...{
    name,
    attempt: 0,
    command,
    env: { PATH: '/usr/bin:/bin' },
    workingDir: '/',
    limits: {},
    mounts: [],
    labels: { note: name },
  },
  ...{ logFile: join(folder, `${name}.log`), ...more },
})

export interface RuntimeUnderTest {
  readonly runtime: Runtime
  readonly folder: string
  /** What this runtime needs to be told of each sandbox and container. */
  readonly sandbox?: Partial<SandboxSpec>
  readonly container?: Partial<ContainerSpec>
}

const plainSandboxSpec = sandboxSpec

/** Runs the contract. `open` starts from nothing each time, and passes `onChange` to the runtime. */
export const runtimeContract = (t: Test, open: (t: Test, onChange: OnChange) => Promise<RuntimeUnderTest>): void => {
  const begin = async (t: Test) => {
    const changes: string[] = []
    const { runtime, folder, ...always } = await open(t, (id) => changes.push(id))
    const sandboxSpec = (id: string) => plainSandboxSpec(id, always.sandbox)
    const sandbox = async (id: string): Promise<SandboxRecord | undefined> =>
      (await runtime.sandboxes.list()).find((each) => each.id === id)
    const exitOf = async (container: string) =>
      (await runtime.sandboxes.list()).flatMap((each) => each.containers).find((each) => each.id === container)?.exit
    const container = (name: string, command: readonly string[], more: Partial<ContainerSpec> = {}) =>
      containerSpec(folder, name, command, { ...always.container, ...more })
    return { runtime, changes, sandbox, sandboxSpec, exitOf, container }
  }

  t.test('a sandbox is listed from its start to its end', async (t) => {
    const { runtime, sandbox, sandboxSpec } = await begin(t)
    t.same(await runtime.sandboxes.list(), [])
    const started = await runtime.sandboxes.start(sandboxSpec('a'))
    t.match(started, { id: 'a', namespace: 'default', name: 'pod-a', running: true, labels: { grace: '5' } })
    t.same(await runtime.sandboxes.list(), [started])
    await t.rejects(runtime.sandboxes.start(sandboxSpec('a')), /is running/)
    await runtime.sandboxes.end('a', 'keep')
    t.match(await sandbox('a'), { running: false })
    await runtime.sandboxes.end('a', 'forget')
    await runtime.sandboxes.end('a', 'forget')
    t.same(await runtime.sandboxes.list(), [])
  })

  t.test('containers end with their code, and the runtime says so', async (t) => {
    const { runtime, changes, exitOf, container, sandboxSpec } = await begin(t)
    await runtime.sandboxes.start(sandboxSpec('a'))
    const before = Date.now()
    const record = await runtime.containers.start('a', container('main', ['sh', '-c', 'exit 3']))
    t.match(record, { id: 'a_main_0', name: 'main', attempt: 0, labels: { note: 'main' } })
    const exit = await until(() => exitOf('a_main_0'), 'the end')
    t.match(exit, { code: 3, oomKilled: false })
    t.ok(exit.finishedAt >= record.startedAt - 1 && record.startedAt <= before + 60_000, 'times make sense')
    await until(() => changes.includes('a'), 'the change')
    await runtime.sandboxes.end('a', 'forget')
  })

  t.test('TERM and KILL', async (t) => {
    const { runtime, exitOf, container, sandboxSpec } = await begin(t)
    await runtime.sandboxes.start(sandboxSpec('a'))
    await runtime.containers.start('a', container('soft', ['sleep', '3600']))
    await runtime.containers.start('a', container('hard', ['sleep', '3600']))
    t.equal(await exitOf('a_soft_0'), undefined)
    await runtime.containers.signal('a_soft_0', 'TERM')
    t.equal((await until(() => exitOf('a_soft_0'), 'the end by TERM')).code, 143)
    await runtime.containers.signal('a_hard_0', 'KILL')
    t.equal((await until(() => exitOf('a_hard_0'), 'the end by KILL')).code, 137)
    await runtime.containers.signal('a_hard_0', 'KILL')
    await runtime.containers.signal('nobody_x_0', 'TERM')
    await runtime.sandboxes.end('a', 'forget')
  })

  t.test('a command that cannot be run', async (t) => {
    const { runtime, exitOf, container, sandboxSpec } = await begin(t)
    await runtime.sandboxes.start(sandboxSpec('a'))
    const record = await runtime.containers.start('a', container('main', ['/no/such/program', 'x']))
    const exit = record.exit
    t.match(exit, { code: 128, startError: /^exec: "\/no\/such\/program": (executable file not found|stat)/ })
    t.same(await exitOf('a_main_0'), exit)
    await runtime.sandboxes.end('a', 'forget')
  })

  t.test('a container that looks into another one', async (t) => {
    const { runtime, exitOf, container, sandboxSpec } = await begin(t)
    await runtime.sandboxes.start(sandboxSpec('a'))
    const look = (name: string, target: string) =>
      runtime.containers.start('a', container(name, ['sleep', '600'], { target }))
    await t.rejects(look('early', 'main'), { name: 'TargetError', message: 'unable to find target container "main"' })
    await runtime.containers.start('a', container('main', ['sleep', '600']))
    t.notOk((await look('debug', 'main')).exit)
    await runtime.containers.signal('a_main_0', 'KILL')
    await until(() => exitOf('a_main_0'), 'the end of the target', 20_000)
    await t.rejects(look('late', 'main'), { name: 'TargetError', message: /is not running$/ })
    await runtime.sandboxes.end('a', 'forget')
  })

  t.test('the last two instances stay', async (t) => {
    const { runtime, sandbox, exitOf, container, sandboxSpec } = await begin(t)
    await runtime.sandboxes.start(sandboxSpec('a'))
    for (const attempt of [0, 1, 2]) {
      await runtime.containers.start('a', container('main', ['sh', '-c', `exit ${attempt}`], { attempt }))
      await until(() => exitOf(`a_main_${attempt}`), 'the end')
    }
    await t.rejects(runtime.containers.start('a', container('main', ['sleep', '1'], { attempt: 2 })), /started before/)
    t.same(
      (await sandbox('a'))?.containers.map(({ attempt, exit }) => [attempt, exit?.code]),
      [
        [1, 1],
        [2, 2],
      ],
    )
    await runtime.sandboxes.end('a', 'forget')
  })

  t.test('somebody talks with a command beside a container', async (t) => {
    const { runtime, container, sandboxSpec } = await begin(t)
    await runtime.sandboxes.start(sandboxSpec('a'))
    await runtime.containers.start('a', container('main', ['sleep', '3600']))
    const options = { stdin: true, tty: false }
    const cat = await runtime.streams.open('a_main_0', ['cat'], options)
    cat.stdin.end('hello')
    t.equal(await text(cat.stdout), 'hello')
    t.equal(await cat.ended, 0)
    const endless = await runtime.streams.open('a_main_0', ['cat'], options)
    await endless.kill()
    t.equal(await endless.ended, 137)
    await endless.kill()
    await runtime.sandboxes.end('a', 'keep')
    await t.rejects(runtime.streams.open('a_main_0', ['cat'], options), /does not run/)
    await t.rejects(runtime.streams.open('nobody_x_0', ['cat'], options), /does not run/)
    await runtime.sandboxes.end('a', 'forget')
  })
  t.test('what running containers use is told, and of no others', async (t) => {
    const { runtime, exitOf, container } = await begin(t)
    await runtime.sandboxes.start(sandboxSpec('a'))
    t.same([...(await runtime.stats.read())], [])
    await runtime.containers.start('a', container('main', ['sleep', '3600']))
    await runtime.containers.start('a', container('other', ['sleep', '3600']))
    await runtime.containers.start('a', container('done', ['sh', '-c', 'exit 0']))
    await until(() => exitOf('a_done_0'), 'the end')
    const used = async () => (await runtime.stats.read()).get('a_main_0')
    // A program is there once it has been read from its file.
    const { memory, processes, cpuNanoseconds } = await until(async () => {
      const found = await used()
      return found && found.memory.rssBytes > 0 ? found : undefined
    }, 'memory of its own')
    t.ok(processes >= 1)
    t.ok(cpuNanoseconds >= 0 && Number.isSafeInteger(cpuNanoseconds))
    t.ok(memory.rssBytes <= memory.usageBytes && memory.workingSetBytes <= memory.usageBytes)
    t.ok(((await used())?.cpuNanoseconds ?? -1) >= cpuNanoseconds, 'it does not become less')
    t.same([...(await runtime.stats.read()).keys()].sort(), ['a_main_0', 'a_other_0'])
    await runtime.containers.signal('a_main_0', 'KILL')
    await until(() => exitOf('a_main_0'), 'the end by KILL')
    t.same([...(await runtime.stats.read()).keys()], ['a_other_0'])
    await runtime.sandboxes.end('a', 'forget')
    t.same([...(await runtime.stats.read())], [])
  })

  t.test('exec runs beside a container', async (t) => {
    const { runtime, container, sandboxSpec } = await begin(t)
    await runtime.sandboxes.start(sandboxSpec('a'))
    await runtime.containers.start('a', container('main', ['sleep', '3600']))
    t.equal((await runtime.streams.exec('a_main_0', ['true'], 5_000)).exitCode, 0)
    await runtime.sandboxes.end('a', 'keep')
    await t.rejects(runtime.streams.exec('a_main_0', ['true'], 5_000), /does not run/)
    await t.rejects(runtime.streams.exec('nobody_x_0', ['true'], 5_000), /does not run/)
    await runtime.sandboxes.end('a', 'forget')
  })

  t.test('an ended sandbox takes its containers along, and can be replaced', async (t) => {
    const { runtime, sandbox, exitOf, container, sandboxSpec } = await begin(t)
    await t.rejects(runtime.containers.start('a', container('main', ['sleep', '3600'])), /does not run/)
    await runtime.sandboxes.start(sandboxSpec('a'))
    await runtime.containers.start('a', container('main', ['sleep', '3600']))
    await runtime.sandboxes.end('a', 'keep')
    t.match(await exitOf('a_main_0'), { code: 137 })
    await t.rejects(runtime.containers.start('a', container('main', ['sleep', '1'], { attempt: 1 })), /does not run/)
    t.match(await runtime.sandboxes.start(sandboxSpec('a')), { running: true, containers: [{ attempt: 0 }] })
    await runtime.containers.start('a', container('main', ['sleep', '3600'], { attempt: 1 }))
    t.equal((await sandbox('a'))?.containers.length, 2)
    await runtime.sandboxes.end('a', 'forget')
    t.same(await runtime.sandboxes.list(), [])
  })
}
