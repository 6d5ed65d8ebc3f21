import t from 'tap'
import type { Node } from '../../../../src/api/types/index.ts'
import { addressesServedBy } from '../../../../src/control/controllers/ingress-status.ts'
import { onRelevantChange } from '../../../../src/control/controllers/relevant-change.ts'
import { createFedInformer } from '../../../support/fed-informer.ts'

const node = (name: string, status: 'True' | 'False', beat: string, address = '192.0.2.1'): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name } },
  status: {
    addresses: [{ type: 'InternalIP', address }],
    conditions: [{ type: 'Ready', status, lastHeartbeatTime: beat }],
  },
})

t.test('of nodes that serve, heartbeats tell nothing', async (t) => {
  const nodes = createFedInformer<Node>()
  let calls = 0
  onRelevantChange(nodes, addressesServedBy, () => calls++)
  const after = (change: () => void): number => {
    const before = calls
    change()
    return calls - before
  }
  t.equal(
    after(() => nodes.put(node('a', 'False', '1'))),
    1,
    'it comes',
  )
  t.equal(
    after(() => nodes.put(node('a', 'False', '2'))),
    0,
    'a heartbeat',
  )
  t.equal(
    after(() => nodes.put(node('a', 'True', '3'))),
    1,
    'it is ready',
  )
  t.equal(
    after(() => nodes.put(node('a', 'True', '4'))),
    0,
    'a heartbeat',
  )
  t.equal(
    after(() => nodes.put(node('a', 'True', '5', '192.0.2.2'))),
    1,
    'it has moved',
  )
  t.equal(
    after(() => nodes.remove('a')),
    1,
    'it goes',
  )
})
