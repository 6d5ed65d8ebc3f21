import t from 'tap'
import type { ControllerRevision } from '../../../../../src/api/types/kubernetes/apps-v1.ts'
import {
  dataOf,
  pastOf,
  type Revisioned,
  surplusOf,
  templateOf,
} from '../../../../../src/control/controllers/revisions/revision.ts'

const ownerOf = (image: string, revisionHistoryLimit?: number): Revisioned => ({
  ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'd' } },
  spec: {
    template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'main', image }] } },
    ...(revisionHistoryLimit === undefined ? {} : { revisionHistoryLimit }),
  },
})

const revisionOf = (name: string, revision: number, data: unknown = dataOf(ownerOf(name))): ControllerRevision => ({
  ...{ apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name }, data, revision },
})

t.test('which revision is the present one, and which number it has', async (t) => {
  const past = (image: string, ...revisions: readonly ControllerRevision[]) => {
    const { current, old, number } = pastOf(ownerOf(image), revisions)
    return [current?.metadata.name, old.map(({ metadata }) => metadata.name).join(), number]
  }
  t.same(past('a'), [undefined, '', 1])
  t.same(past('a', revisionOf('a', 1)), ['a', '', 1])
  t.same(past('c', revisionOf('b', 2), revisionOf('a', 1)), [undefined, 'a,b', 3])
  t.same(past('a', revisionOf('b', 2), revisionOf('a', 1)), ['a', 'b', 3], 'the way back')
  t.same(past('a', revisionOf('a', 7)), ['a', '', 7], 'a number is never taken away')
  const twin = revisionOf('twin', 4, dataOf(ownerOf('a')))
  t.same(past('a', twin, revisionOf('a', 1)), ['twin', 'a', 4], 'of twins the newest')
})

t.test('the data is, byte for byte, what clients written in Go make of the workload', async (t) => {
  t.equal(
    JSON.stringify(dataOf(ownerOf('a'))),
    '{"spec":{"template":{"$patch":"replace","metadata":{"creationTimestamp":null,"labels":{"app":"d"}},' +
      '"spec":{"containers":[{"image":"a","name":"main"}]}}}}',
  )
})

t.test('the template comes back as it was, and only a template', async (t) => {
  const owner = ownerOf('a')
  t.same(templateOf(revisionOf('a', 1)), owner.spec.template)
  for (const data of [
    ...[null, 'text', [], {}, { spec: null }, { spec: { template: 'x' } }, { spec: { template: {} } }],
    { spec: { template: { spec: { containers: 'none' } } } },
  ])
    t.equal(templateOf(revisionOf('a', 1, data)), undefined, JSON.stringify(data))
})

t.test('what the history does not keep', async (t) => {
  const old = ['a', 'b', 'c', 'd'].map((name, at) => revisionOf(name, at + 1))
  const surplus = (limit: number | undefined, live: string) =>
    surplusOf(ownerOf('x', limit), old, ({ metadata }) => live.includes(metadata.name))
      .map(({ metadata }) => metadata.name)
      .join('')
  t.equal(surplus(undefined, ''), '')
  t.equal(surplus(2, ''), 'ab')
  t.equal(surplus(2, 'a'), 'b')
  t.equal(surplus(0, 'bc'), 'ad')
})
