import t from 'tap'
import { hastened, type PodEnding } from '../../../../src/agent/pods/ending.ts'
import { planPod } from '../../../../src/agent/pods/plan.ts'
import { podStatus } from '../../../../src/agent/pods/pod-status.ts'
import { sandbox, view } from './builders.ts'

const evicted: PodEnding = { reason: 'Evicted', message: 'The node was low', graceMs: 5_000, isDisruption: true }

t.test('of two reasons the first is told, and the shorter grace holds', async (t) => {
  t.equal(hastened(undefined, evicted), evicted)
  t.same(hastened(evicted, { ...evicted, message: 'other', graceMs: 1_000 }), { ...evicted, graceMs: 1_000 })
  t.same(hastened(evicted, { ...evicted, graceMs: 9_000 }), evicted)
  const { graceMs: _, ...own } = evicted
  t.same(hastened(own, own), own)
  t.same(hastened(own, evicted), evicted)
})

const statusOf = (more: Parameters<typeof view>[0]) => {
  const seen = view({ ending: evicted, ...more })
  return podStatus(seen, planPod(seen, 0, { baseMs: 1, maxMs: 1, resetMs: 1 }), 0)
}

t.test('the reason is told once the pod has failed, so that nobody takes it for one that goes on', async (t) => {
  const ending = statusOf({ sandbox: sandbox([{ name: 'main' }]) })
  t.match(ending, { phase: 'Running', reason: undefined })
  t.match(
    ending.conditions?.find(({ type }) => type === 'DisruptionTarget'),
    { status: 'True', reason: 'TerminationByKubelet', message: 'The node was low' },
  )
  t.match(statusOf({ sandbox: sandbox([{ name: 'main', code: 143 }]) }), {
    ...{ phase: 'Failed', reason: 'Evicted', message: 'The node was low' },
  })
})

t.test('who is not taken has failed at once, and nobody else is to blame', async (t) => {
  const status = statusOf({ ending: { ...evicted, reason: 'OutOfcpu', isDisruption: false } })
  t.match(status, { phase: 'Failed', reason: 'OutOfcpu' })
  t.notOk('containerStatuses' in status, 'kubectl shows the reason')
  t.notOk(status.conditions?.some(({ type }) => type === 'DisruptionTarget'))
})
