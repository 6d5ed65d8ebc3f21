import t from 'tap'
import { conditionOf, isFinished, isReady } from '../../../../src/api/pods.ts'
import type { Condition, Pod, PodStatus } from '../../../../src/api/types/index.ts'
import { availableIn, isActive, readyTime, restartsOf } from '../../../../src/control/controllers/pod-state.ts'

const now = Date.UTC(2026, 0, 1)
const pod = (status: PodStatus = {}, metadata: object = {}): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', ...metadata } },
  ...{ spec: { containers: [] }, status },
})
const ready = (status: Condition['status'], secondsAgo?: number): Pod =>
  pod({
    conditions: [
      { type: 'Initialized', status: 'True' },
      {
        ...{ type: 'Ready', status },
        ...(secondsAgo === undefined ? {} : { lastTransitionTime: new Date(now - secondsAgo * 1000).toISOString() }),
      },
    ],
  })

t.test('ended, going, active', async (t) => {
  const states = (found: Pod) => [isFinished(found), isActive(found)]
  t.same(states(pod({ phase: 'Running' })), [false, true])
  t.same(states(pod({ phase: 'Succeeded' })), [true, false])
  t.same(states(pod({ phase: 'Failed' })), [true, false])
  t.same(states(pod({ phase: 'Running' }, { deletionTimestamp: 'now' })), [false, false])
  t.same(states({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [] } }), [false, true])
})

t.test('ready, and since when', async (t) => {
  t.same([ready('True'), ready('False'), ready('Unknown'), pod()].map(isReady), [true, false, false, false])
  t.equal(readyTime(ready('True', 5)), now - 5_000)
  t.equal(readyTime(ready('False', 5)), Number.POSITIVE_INFINITY)
  t.equal(conditionOf(ready('True'), 'Initialized')?.status, 'True')
  t.equal(conditionOf(pod(), 'Ready'), undefined)
})

t.test('available after being ready for long enough', async (t) => {
  t.equal(availableIn(ready('False', 60), 0, now), undefined)
  t.equal(availableIn(ready('True', 0), 0, now), 0)
  t.equal(availableIn(ready('True', 4), 10, now), 6_000)
  t.equal(availableIn(ready('True', 10), 10, now), 0)
  t.equal(availableIn(ready('True', 99), 10, now), 0)
  t.equal(availableIn(ready('True'), 10, now), undefined, 'nobody knows since when')
})

t.test('restarts of all containers', async (t) => {
  const container = (name: string, restartCount: number) => ({
    name,
    restartCount,
    ready: true,
    image: '',
    imageID: '',
  })
  t.equal(restartsOf(pod({ containerStatuses: [container('a', 2), container('b', 3)] })), 5)
  t.equal(restartsOf(pod()), 0)
})
