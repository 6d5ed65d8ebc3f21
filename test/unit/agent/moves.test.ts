import t from 'tap'
import { type Life, liveOnRanges } from '../../../src/agent/moves.ts'
import { aborted } from '../../../src/api/clock.ts'
import type { Node } from '../../../src/api/types/index.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { createFedInformer } from '../../support/fed-informer.ts'

const node = (name: string, ...podCIDRs: readonly string[]): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name } },
  spec: podCIDRs.length === 0 ? {} : { podCIDR: podCIDRs[0] ?? '', podCIDRs },
})

t.test('another range begins another life', async (t) => {
  const nodes = createFedInformer<Node>([node('a', '10.1.0.0/24'), node('b', '10.2.0.0/24')])
  const beginnings: string[] = []
  const stop = new AbortController()
  const lived = liveOnRanges(stop.signal, silentLogger, async ({ signal, beginning, endOnMove }: Life) => {
    beginnings.push(beginning)
    const podCIDRs = nodes.get('a')?.spec?.podCIDRs ?? []
    endOnMove(nodes, 'a', podCIDRs)
    if (beginnings.length === 1) {
      nodes.put(node('b', '10.9.0.0/24'), node('a', '10.1.0.0/24'))
      nodes.remove('a')
      nodes.put(node('a'))
      t.notOk(signal.aborted, 'other nodes, no node, none yet, the same again: no news')
      nodes.put(node('a', '10.3.0.0/24', 'fd00:3::/64'))
      t.ok(signal.aborted)
    } else stop.abort()
    await aborted(signal)
  })
  await lived
  t.same(beginnings, [
    'the pod network is not ready',
    'podCIDR changed from 10.1.0.0/24 to 10.3.0.0/24, fd00:3::/64: the node moves its pods',
  ])
})

t.test('a life that ends by itself is the last, and what it throws is told', async (t) => {
  let lives = 0
  await liveOnRanges(new AbortController().signal, silentLogger, async () => void lives++)
  t.equal(lives, 1)
  const failing = liveOnRanges(new AbortController().signal, silentLogger, async () => {
    throw new Error('no device')
  })
  await t.rejects(failing, /no device/)
})
