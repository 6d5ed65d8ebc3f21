/** What happens to a pod between the choice of its node and its binding. */
import t from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { conflict } from '../../../../src/api/errors.ts'
import { endCycle, type Outcome, runBindingCycle } from '../../../../src/control/scheduler/binding-cycle.ts'
import type { Plugin, PluginParts } from '../../../../src/control/scheduler/framework/plugin.ts'
import { choosePlugins } from '../../../../src/control/scheduler/profile.ts'
import { turns } from '../../../support/until.ts'
import { node, pod } from './cluster-of.ts'

interface World {
  /** What was done, in its order. */
  readonly done: readonly string[]
  readonly outcome: Promise<Outcome>
  readonly end: AbortController
  readonly clock: ReturnType<typeof createFakeClock>
}

const start = (parts: Readonly<Record<string, PluginParts>>): World => {
  const done: string[] = []
  const reserving = (name: string): Plugin => ({
    name,
    reserve: { reserve: () => done.push(`${name} reserves`), release: () => done.push(`${name} releases`) },
  })
  const binder: Plugin = {
    name: 'Binder',
    bind: async (_pod, { metadata }) => {
      done.push(`bound to ${metadata.name}`)
      return true
    },
  }
  const own = Object.entries(parts).map(([name, part]): Plugin => ({ name, ...part }))
  const plugins = choosePlugins([reserving('A'), reserving('B'), ...own, binder])
  const [clock, end] = [createFakeClock(), new AbortController()]
  return { done, clock, end, outcome: runBindingCycle(pod('p'), node('n1'), plugins, clock, end) }
}

const never = new Promise<undefined>(() => undefined)

t.test('all goes well', async (t) => {
  const order: string[] = []
  const { done, outcome, end } = start({
    P: { permit: { timeoutMs: 1_000, permit: async () => void order.push('permitted') } },
    Q: { preBind: async () => void order.push('prepared'), bind: async () => false },
  })
  t.same(done, ['A reserves', 'B reserves'], 'at once, before anybody else is looked at')
  t.same(await outcome, { isBound: true })
  t.same(
    [order, done],
    [
      ['permitted', 'prepared'],
      ['A reserves', 'B reserves', 'bound to n1'],
    ],
  )
  t.ok(end.signal.aborted, 'nobody works for it any longer')
})

const whatWasWrong: readonly {
  readonly name: string
  readonly parts: PluginParts
  readonly says: object | undefined
}[] = [
  {
    name: 'a permit that is refused',
    parts: { permit: { timeoutMs: 1_000, permit: async () => 'not on a Friday' } },
    says: { reason: 'Unschedulable', message: '0/1 nodes are available: 1 not on a Friday.' },
  },
  {
    name: 'one that is refused while another is waited for',
    parts: { permit: { timeoutMs: 1_000, permit: () => 'not on a Friday' } },
    says: { reason: 'Unschedulable', message: '0/1 nodes are available: 1 not on a Friday.' },
  },
  {
    name: 'a plug-in that fails',
    parts: { permit: { timeoutMs: 1_000, permit: () => Promise.reject(new Error('broken')) } },
    says: { reason: 'SchedulerError', message: 'running Permit plugin "X": broken' },
  },
  {
    name: 'what cannot be prepared',
    parts: { preBind: () => Promise.reject(new Error('no disk')) },
    says: { reason: 'SchedulerError', message: 'running PreBind plugin "X": no disk' },
  },
  {
    name: 'what throws at once',
    parts: {
      preBind: () => {
        throw new Error('no disk')
      },
    },
    says: { reason: 'SchedulerError', message: 'running PreBind plugin "X": no disk' },
  },
  {
    name: 'a reservation that is not to be had',
    parts: {
      reserve: {
        reserve: () => {
          throw new Error('taken')
        },
        release: () => undefined,
      },
    },
    says: { reason: 'SchedulerError', message: 'running Reserve plugin "X": taken' },
  },
  {
    name: 'a binding that fails',
    parts: { bind: () => Promise.reject(new Error('down')) },
    says: { reason: 'SchedulerError', message: 'running Bind plugin "X": down' },
  },
  {
    name: 'somebody who was faster',
    parts: { bind: () => Promise.reject(conflict({ group: '', plural: 'pods' }, 'p', 'it has a node')) },
    says: undefined,
  },
]

for (const { name, parts, says } of whatWasWrong)
  t.test(name, async (t) => {
    const waits: PluginParts = name.includes('another') ? { permit: { timeoutMs: 60_000, permit: () => never } } : {}
    const { done, outcome } = start({ W: waits, X: parts })
    t.same(await outcome, says === undefined ? { isBound: false } : { isBound: false, verdict: says })
    t.same(done, ['A reserves', 'B reserves', 'B releases', 'A releases'], 'reservations are given back')
  })

t.test('a permit that never comes', async (t) => {
  let reason: unknown
  const { done, outcome, clock } = start({
    Slow: {
      permit: {
        timeoutMs: 2_500,
        permit: (_pod, _node, signal) => {
          signal.addEventListener('abort', () => {
            reason = signal.reason
          })
          return never
        },
      },
    },
  })
  clock.advance(2_499)
  await turns()
  t.same(done, ['A reserves', 'B reserves'])
  clock.advance(1)
  const message = 'rejected due to timeout after waiting 2.5s at plugin Slow'
  t.same(await outcome, {
    isBound: false,
    verdict: { reason: 'Unschedulable', message: `0/1 nodes are available: 1 ${message}.` },
  })
  t.match(reason, { message }, 'who was asked is told')
})

t.test('a pod that goes while it waits', async (t) => {
  const { done, outcome, end } = start({ Slow: { preBind: () => never } })
  await turns()
  endCycle(end)
  t.same(await outcome, { isBound: false }, 'nothing is to be said')
  t.same(done.slice(2), ['B releases', 'A releases'])
})

t.test('preparations that never end', async (t) => {
  const { outcome, clock } = start({ Slow: { preBind: () => never } })
  await turns()
  clock.advance(600_000)
  t.match(await outcome, {
    verdict: { message: 'running PreBind plugin "Slow": timed out waiting for the condition' },
  })
})
