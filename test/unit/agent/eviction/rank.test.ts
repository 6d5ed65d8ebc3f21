import t from 'tap'
import { type PodUsage, ranked } from '../../../../src/agent/eviction/rank.ts'
import type { StarvedResource } from '../../../../src/agent/pressure/signals.ts'
import { pod } from '../pods/builders.ts'

const usage = (
  name: string,
  used: Omit<Partial<PodUsage>, 'pod' | 'containers'>,
  requests: Readonly<Record<string, string>> = {},
  priority = 0,
): PodUsage => ({
  pod: pod({ containers: [{ name: 'main', resources: { requests } }], priority }, {}, { name, uid: name }),
  containers: new Map(),
  ...used,
})

const order = (resource: StarvedResource, pods: readonly PodUsage[]): readonly string[] =>
  ranked(pods, resource).map(({ pod: { metadata } }) => metadata.name)

t.test('memory: beyond its request, then priority, then by how much', async (t) => {
  const pods = [
    usage('within', { memoryBytes: 900 }, { memory: '1000' }),
    usage('little-beyond', { memoryBytes: 1100 }, { memory: '1000' }),
    usage('far-beyond', { memoryBytes: 2000 }, { memory: '1000' }),
    usage('important', { memoryBytes: 9000 }, { memory: '1000' }, 10),
    usage('best-effort', { memoryBytes: 500 }),
    usage('critical', { memoryBytes: 1e9 }, {}, 2_000_000_000),
  ]
  t.same(order('memory', pods), ['far-beyond', 'best-effort', 'little-beyond', 'important', 'within'])
})

t.test('one that nobody could measure goes first', async (t) => {
  t.same(order('memory', [usage('known', { memoryBytes: 5 }), usage('unknown', {})]), ['unknown', 'known'])
})

t.test('disk, files and processes', async (t) => {
  const pods = [
    usage('a', { diskBytes: 100, inodes: 5, processes: 1 }, { 'ephemeral-storage': '1000' }),
    usage('b', { diskBytes: 10, inodes: 50, processes: 7 }),
    usage('c', { diskBytes: 20, inodes: 1, processes: 9 }, {}, 1),
  ]
  t.same(order('ephemeral-storage', pods), ['b', 'c', 'a'])
  t.same(order('inodes', pods), ['b', 'a', 'c'])
  t.same(order('pids', pods), ['b', 'a', 'c'])
})

t.test('equals keep an order of their own', async (t) => {
  const pods = ['y', 'x', 'z'].map((name) => usage(name, { memoryBytes: 1 }))
  t.same(order('memory', pods), ['x', 'y', 'z'])
  t.same(order('memory', pods.toReversed()), ['x', 'y', 'z'])
})
