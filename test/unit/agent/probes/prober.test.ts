import t from 'tap'
import { createProber, type ProbeTarget } from '../../../../src/agent/probes/prober.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import type { Container } from '../../../../src/api/types/index.ts'

/** A container whose probes answer as `health` says, and all that is heard of them. */
const setUp = (container: Partial<Container>, more: Partial<ProbeTarget> = {}) => {
  const clock = createFakeClock(0)
  const health = { startup: '', readiness: '', liveness: '' }
  const heard: string[] = []
  const tried: string[] = []
  const target: ProbeTarget = {
    ...{ containerId: 'p_main_0', container: { name: 'main', ...container }, host: '10.1.0.5' },
    ...{ startedAt: 0, isStopping: false, ...more },
  }
  const prober = createProber({
    ...{ clock, random: () => 0.5 },
    run: async (handler) => {
      const kind = handler.exec?.command?.[0] as keyof typeof health
      tried.push(`${kind}@${clock.now()}`)
      return health[kind]
    },
    onChange: (pod) => heard.push(`change ${pod}`),
    onFailure: (_pod, name, kind, complaint) => heard.push(`${kind} of ${name}: ${complaint}`),
  })
  prober.sync('p', [target])
  /** Lets time pass in small steps, so that every answer arrives in time. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left >= 0; left -= 100) {
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(Math.min(left, 100))
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { clock, health, heard, tried, prober, pass, target, result: () => prober.result('p_main_0') }
}

const probe = (kind: string, more: object = {}) => ({ exec: { command: [kind] }, periodSeconds: 1, ...more })

t.test('without probes a running container is started and ready', async (t) => {
  const { result, prober } = setUp({})
  t.same(result(), { started: true, ready: true })
  t.same(prober.result('stranger'), { started: false, ready: false })
})

t.test('readiness', async (t) => {
  const { health, heard, tried, pass, result } = setUp({ readinessProbe: probe('readiness') })
  health.readiness = 'connection refused'
  t.same(result(), { started: true, ready: false })
  await pass(500)
  t.same(heard, [], 'a container that comes up is given a moment')
  health.readiness = ''
  await pass(300)
  t.same(result(), { started: true, ready: true })
  t.same(heard, ['change p'])
  t.same(tried, ['readiness@0', 'readiness@100', 'readiness@300', 'readiness@700'])
  health.readiness = 'HTTP probe failed with statuscode: 503'
  await pass(2_000)
  t.equal(result().ready, true, 'two failures are not three')
  await pass(1_000)
  t.equal(result().ready, false)
  t.same(heard.slice(1), [
    ...Array.from({ length: 3 }, () => 'readiness of main: HTTP probe failed with statuscode: 503'),
    'change p',
  ])
  t.same(tried.slice(4), ['readiness@1700', 'readiness@2700', 'readiness@3700'])
})

t.test('liveness', async (t) => {
  const livenessProbe = probe('liveness', { initialDelaySeconds: 2, failureThreshold: 2 })
  const { health, heard, tried, pass, result } = setUp({ livenessProbe })
  health.liveness = 'deadlock'
  await pass(2_500)
  t.same(tried, ['liveness@2000'])
  t.equal(result().failed, undefined)
  await pass(5_000)
  t.equal(result().failed, 'liveness')
  t.same(heard, ['liveness of main: deadlock', 'liveness of main: deadlock', 'change p'])
  t.equal(tried.length, 2, 'it has had its last word')
})

t.test('the others wait for the startup probe', async (t) => {
  const container = {
    startupProbe: probe('startup', { failureThreshold: 30 }),
    readinessProbe: probe('readiness'),
    livenessProbe: probe('liveness'),
  }
  const { health, tried, pass, result } = setUp(container)
  health.startup = 'loading'
  await pass(3_500)
  t.same(result(), { started: false, ready: false })
  t.ok(tried.every((each) => each.startsWith('startup')))
  health.startup = ''
  await pass(600)
  t.same(result(), { started: true, ready: true })
  const after = tried.length
  await pass(2_000)
  t.notOk(
    tried.slice(after).some((each) => each.startsWith('startup')),
    'once is enough',
  )
  t.ok(tried.slice(after).some((each) => each.startsWith('liveness')))
})

t.test('a startup probe that gives up', async (t) => {
  const { health, pass, result } = setUp({ startupProbe: probe('startup', { failureThreshold: 2 }) })
  health.startup = 'no'
  await pass(1_500)
  t.equal(result().failed, undefined)
  await pass(1_000)
  t.same(result(), { started: false, ready: false, failed: 'startup' })
})

t.test('a container from before keeps what was known, and its probe is spread', async (t) => {
  const container = { startupProbe: probe('startup'), readinessProbe: probe('readiness', { failureThreshold: 1 }) }
  const { health, tried, pass, result } = setUp(container, { before: { started: true, ready: true } })
  t.same(result(), { started: true, ready: true })
  health.readiness = 'gone'
  await pass(400)
  t.same(tried, [])
  await pass(200)
  t.same(tried, ['readiness@500'])
  t.equal(result().ready, false)
})

t.test('a container on its way out is only asked whether it is ready', async (t) => {
  const container = { readinessProbe: probe('readiness'), livenessProbe: probe('liveness') }
  const { prober, tried, pass, target } = setUp(container)
  await pass(0)
  prober.sync('p', [{ ...target, isStopping: true }])
  const before = tried.length
  await pass(2_000)
  t.ok(tried.slice(before).every((each) => each.startsWith('readiness')))
  t.ok(tried.length > before)
})

t.test('nobody is warned of a container that is told to end', async (t) => {
  const readinessProbe = probe('readiness', { failureThreshold: 1 })
  const { prober, health, heard, pass, target, result } = setUp({ readinessProbe })
  await pass(0)
  prober.sync('p', [{ ...target, isStopping: true }])
  health.readiness = 'HTTP probe failed with statuscode: 503'
  await pass(3_000)
  t.equal(result().ready, false, 'that it is not ready is still found')
  t.same(heard, ['change p', 'change p'])
})

t.test('nor of one that its liveness probe has given up', async (t) => {
  const container = {
    readinessProbe: probe('readiness', { failureThreshold: 1 }),
    livenessProbe: probe('liveness', { failureThreshold: 1 }),
  }
  const { health, heard, pass, result } = setUp(container)
  await pass(500)
  health.liveness = 'deadlock'
  await pass(1_000)
  t.equal(result().failed, 'liveness')
  health.readiness = 'connection refused'
  await pass(3_000)
  t.same(
    heard.filter((each) => each.includes(':')),
    ['liveness of main: deadlock'],
  )
})

t.test('a container that is gone is left alone, also in the middle of a probe', async (t) => {
  const { prober, heard, tried, pass, result } = setUp({ readinessProbe: probe('readiness') })
  await new Promise((resolve) => setImmediate(resolve))
  prober.sync('p', [])
  await pass(3_000)
  t.same([tried.length, heard], [0, []])
  t.same(result(), { started: false, ready: false })
})

t.test('pods do not disturb each other', async (t) => {
  const { prober, target } = setUp({})
  prober.sync('q', [{ ...target, containerId: 'q_main_0' }])
  prober.sync('p', [])
  t.same(prober.result('q_main_0'), { started: true, ready: true })
})
