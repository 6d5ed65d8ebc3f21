import t from 'tap'
import { createWatchFailures } from '../../../src/agent/watch-failures.ts'
import { createFakeClock } from '../../../src/api/clock.ts'
import { forbidden } from '../../../src/api/errors.ts'
import { ingresses, nodes } from '../../../src/api/resources.ts'
import { recordingLog } from '../../support/recording-log.ts'

t.test('each reason is told once, and again when it lasts', async (t) => {
  const clock = createFakeClock()
  const { log, messages } = recordingLog()
  const failures = createWatchFailures(log, clock)
  const ofNodes = failures.of(nodes)
  const refused = forbidden({ group: '', plural: 'nodes' }, '', 'no')
  t.equal(failures.last(nodes), undefined)
  ofNodes(refused, 200)
  ofNodes(refused, 400)
  t.same(messages, [
    'cannot watch nodes: forbidden: nodes is forbidden: no; it needs the rights to list and watch nodes',
  ])
  failures.of(ingresses)(new Error('odd'), 200)
  t.equal(messages.at(-1), 'cannot watch ingresses.networking.k8s.io: odd', 'another kind')
  ofNodes(new Error('odd'), 200)
  t.equal(messages.at(-1), 'cannot watch nodes: odd', 'another reason')
  t.equal(failures.last(nodes), 'odd')
  clock.advance(299_999)
  ofNodes(new Error('odd'), 200)
  t.equal(messages.length, 3)
  clock.advance(1)
  ofNodes(new Error('odd'), 200)
  t.equal(messages.length, 4, 'after five minutes')
})
