/** Several targets, and logs whose pods go. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { createForwardCounters } from '../../../../../src/agent/logs/forward/counters.ts'
import { createFakeSink } from '../../../../../src/agent/logs/forward/fake-sink.ts'
import { createLogForward, type LogForwardOptions } from '../../../../../src/agent/logs/forward/log-forward.ts'
import type { SandboxRecord } from '../../../../../src/agent/runtime/sandboxes.ts'
import { createFakeClock } from '../../../../../src/api/clock.ts'
import { recordingLog } from '../../../../support/recording-log.ts'
import { until } from '../../../../support/until.ts'

const setUp = (t: Test, more: Partial<LogForwardOptions> = {}) => {
  const root = mkdtempSync(join(tmpdir(), 'pw-'))
  const logDir = join(root, 'logs')
  const folder = join(root, 'log-forward')
  const sinks = [createFakeSink('a'), createFakeSink('b')]
  const clock = createFakeClock()
  const counters = createForwardCounters()
  const { log, lines } = recordingLog()
  let sandboxes: readonly SandboxRecord[] = []
  const forward = createLogForward({
    ...{ sinks, counters, nodeName: 'node1', logDir, folder, log, clock, random: () => 1, ...more },
    ...{ sandboxes: async () => sandboxes, labelsOf: () => ({}) },
  })
  const stop = new AbortController()
  t.teardown(async () => {
    stop.abort()
    await running
    rmSync(root, { recursive: true })
  })
  const pass = (condition: () => boolean, what: string) =>
    until(() => {
      clock.advance(1_000)
      return condition()
    }, what)
  const podDir = (name: string) => join(logDir, `default_${name}_u`)
  /** A pod that runs and has said this. */
  const run = (name: string, text: string): void => {
    const logFile = join(podDir(name), 'main/0.log')
    mkdirSync(dirname(logFile), { recursive: true })
    writeFileSync(logFile, text)
    const container = { id: 'c', name: 'main', attempt: 0, logFile, labels: {}, startedAt: 0 }
    const sandbox = { id: 'u', namespace: 'default', name, runtime: 'fake', hostNetwork: false, labels: {} }
    sandboxes = [...sandboxes, { ...sandbox, running: true, pid: 1, containers: [container] }]
  }
  const end = async (name: string): Promise<void> => {
    sandboxes = sandboxes.filter((each) => each.name !== name)
    await forward.discard(podDir(name))
  }
  const texts = () => sinks.map(({ records }) => records.map(({ log }) => log).join(' '))
  const aside = () => (existsSync(join(folder, 'logs')) ? readdirSync(join(folder, 'logs')) : [])
  let running = Promise.resolve()
  const start = (): void => {
    running = forward.run(stop.signal)
  }
  return { sinks, counters, forward, folder, logDir, lines, pass, podDir, run, end, texts, aside, start }
}

t.test('each target has all lines, also those that a pod said last', async (t) => {
  const { pass, podDir, run, end, texts, aside, start } = setUp(t)
  start()
  run('web', 'one\nlast words')
  await pass(() => texts().every((text) => text === 'one'), 'the first line')
  await end('web')
  await pass(() => texts().every((text) => text === 'one last words'), 'the last')
  t.notOk(existsSync(podDir('web')))
  await pass(() => aside().length === 0, 'nothing to be left')
})

t.test('one that is down has no part in what the others get, and has it all later', async (t) => {
  const { sinks, pass, run, end, texts, aside, start } = setUp(t)
  for (const how of ['fails', 'hangs'] as const) {
    sinks[0]?.behave(how)
    if (how === 'fails') start()
    run(how, `${how}\n`)
    await pass(() => (texts()[1] ?? '').includes(how), 'the other one')
    await end(how)
    t.same(aside(), how === 'fails' ? ['default_fails_u'] : ['default_fails_u', 'default_hangs_u'])
  }
  sinks[0]?.behave('takes')
  await pass(() => ['fails', 'hangs'].every((word) => texts()[0]?.includes(word)), 'both lines')
  await pass(() => aside().length === 0, 'nothing to be left')
})

t.test('what waits is bounded, and what goes for it is counted', async (t) => {
  const { sinks, counters, pass, run, end, aside, start, lines } = setUp(t, { maxSetAsideBytes: 30_000 })
  sinks[0]?.behave('fails')
  for (const name of ['a', 'b', 'c']) {
    run(name, `${name.repeat(15_999)}\n`)
    await end(name)
  }
  start()
  await pass(() => aside().length === 1, 'the bound to be kept')
  const dropped = async () =>
    (await counters.registry.getSingleMetric('podway_log_forward_dropped_bytes_total')?.get())?.values
  t.match(
    (await dropped())?.filter(({ value }) => value > 0),
    [{ labels: { target: 'a', reason: 'rotated' }, value: 32_000 }],
  )
  t.ok(lines.some(({ msg }) => /^log lines are not forwarded/.test(msg ?? '')))
})

t.test('positions of targets that are not named any more go', async (t) => {
  const { folder, pass, run, start } = setUp(t)
  const positions = join(folder, 'positions')
  mkdirSync(positions, { recursive: true })
  writeFileSync(join(positions, '0123456789abcdef.json'), '{}')
  run('web', 'one\n')
  start()
  await pass(() => existsSync(positions) && readdirSync(positions).length === 2, 'those of two targets')
  t.notOk(existsSync(join(positions, '0123456789abcdef.json')))
})

t.test('logs that cannot be set aside keep no pod waiting', async (t) => {
  const { folder, forward, podDir, run, lines } = setUp(t)
  run('web', 'one\n')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'logs'), 'no folder')
  await forward.discard(podDir('web'))
  t.notOk(existsSync(podDir('web')))
  t.match(lines[0]?.msg, /^cannot set logs aside/)
})
