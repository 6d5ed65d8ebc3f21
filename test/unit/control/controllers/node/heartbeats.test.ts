import t from 'tap'
import type { Lease, Node } from '../../../../../src/api/types/index.ts'
import { createHeartbeats } from '../../../../../src/control/controllers/node/heartbeats.ts'

const node = (name: string, uid = 'u1', lastHeartbeatTime?: string): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, uid } },
  status: {
    conditions: [
      { type: 'MemoryPressure', status: 'False' as const, lastHeartbeatTime: '2026-01-01T00:00:00Z' },
      ...(lastHeartbeatTime === undefined ? [] : [{ type: 'Ready', status: 'True' as const, lastHeartbeatTime }]),
    ],
  },
})
const lease = (renewTime: string): Lease => ({
  ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'a' }, spec: { renewTime } },
})

t.test('silence is counted by our own clock, whatever time the node claims', async (t) => {
  const { silence } = createHeartbeats()
  const [past, future] = [lease('1999-01-01T00:00:00.000000Z'), lease('2999-01-01T00:00:00.000000Z')]
  t.equal(silence(node('a'), past, 1_000), 0, 'the first look counts as hearing')
  t.equal(silence(node('a'), past, 41_000), 40_000)
  t.equal(silence(node('a'), future, 42_000), 0)
  t.equal(silence(node('a'), future, 43_000), 1_000)
  t.equal(silence(node('a'), past, 44_000), 0, 'a clock that was set back is heard, too')
})

t.test('a Lease, the Ready condition, or another node of the name is a sign; other conditions are none', async (t) => {
  const { silence } = createHeartbeats()
  const at = '2026-01-01T00:00:00Z'
  t.equal(silence(node('a', 'u1', at), undefined, 0), 0)
  t.equal(silence(node('a', 'u1', at), undefined, 10), 10)
  t.equal(silence(node('a', 'u1', '2026-01-01T00:00:10Z'), undefined, 20), 0)
  t.equal(silence(node('a', 'u1', '2026-01-01T00:00:10Z'), lease(at), 30), 0)
  t.equal(silence(node('a', 'u2', '2026-01-01T00:00:10Z'), lease(at), 40), 0)
  const { metadata } = node('a', 'u2')
  t.equal(silence({ apiVersion: 'v1', kind: 'Node', metadata }, lease(at), 50), 0)
  t.equal(silence({ apiVersion: 'v1', kind: 'Node', metadata }, lease(at), 60), 10)
})

t.test('nodes are heard one by one, and forgotten when they are gone', async (t) => {
  const { silence, retain } = createHeartbeats()
  const beat = lease('2026-01-01T00:00:00.000000Z')
  for (const name of ['a', 'b']) t.equal(silence(node(name), beat, 0), 0)
  retain(new Set(['a', 'c']))
  t.equal(silence(node('a'), beat, 100), 100)
  t.equal(silence(node('b'), beat, 100), 0, 'it was forgotten')
})
