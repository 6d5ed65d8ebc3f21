import t from 'tap'
import { missingRanges, untilRanges } from '../../../src/agent/pod-ranges.ts'
import { createFakeClock } from '../../../src/api/clock.ts'
import type { Node } from '../../../src/api/types/index.ts'
import { createFedInformer } from '../../support/fed-informer.ts'
import { recordingLog } from '../../support/recording-log.ts'

const node = (name: string, podCIDR?: string): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name } },
  spec: podCIDR === undefined ? {} : { podCIDR },
})
const failures = { last: () => undefined }

t.test('why there are none', async (t) => {
  const nodes = createFedInformer<Node>([node('b', '10.2.0.0/24')])
  const unknown = { ...nodes, isSynced: false }
  const about = { nodeName: 'a', failures }
  t.match(missingRanges({ ...about, nodes: unknown }), 'the nodes are not known: the API server has not answered yet')
  const refused = { last: () => 'forbidden: no' }
  t.match(missingRanges({ ...about, nodes: unknown, failures: refused }), 'the nodes are not known: forbidden: no')
  t.match(missingRanges({ ...about, nodes }), 'there is no Node "a" (see --node-name)')
  nodes.put(node('a'))
  t.match(missingRanges({ ...about, nodes }), /Node "a" has no podCIDR yet .*--allocate-node-cidrs/)
})

t.test('what is waited for is told when it changes, until they are there', async (t) => {
  const nodes = createFedInformer<Node>()
  const clock = createFakeClock()
  const { log, messages } = recordingLog()
  const waiting = untilRanges({ nodes, nodeName: 'a', failures, log, clock }, new AbortController().signal)
  t.same(messages, [])
  clock.advance(20_000)
  t.same(messages, ['waiting for the pod network: there is no Node "a" (see --node-name)'])
  nodes.put(node('a'), node('b', '10.2.0.0/24'))
  clock.advance(5_000)
  t.equal(messages.length, 2)
  nodes.put(node('a', '10.1.0.0/24'))
  t.same(await waiting, ['10.1.0.0/24'])
  clock.advance(60_000)
  t.equal(messages.length, 2, 'nothing more')
})

t.test('an end in between', async (t) => {
  const stop = new AbortController()
  const nodes = createFedInformer<Node>()
  const waiting = untilRanges(
    { nodes, nodeName: 'a', failures, log: recordingLog().log, clock: createFakeClock() },
    stop.signal,
  )
  stop.abort()
  t.same(await waiting, [])
})
