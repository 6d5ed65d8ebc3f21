/** What becomes of an object between a client's request and the store. */
import t from 'tap'
import { prepareCreate, prepareUpdate } from '../../../../src/control/objects/prepare.ts'
import type { ResourceDefinition } from '../../../../src/control/resources/definition.ts'
import { type Widget, widget, widgets } from '../../../support/test-kind.ts'

const birth = { uid: 'u1', time: '2026-01-01T00:00:00Z', suffix: 'abcde' }
const spec = { size: 1 }
const status = { ready: true }

t.test('a new object: what is the server’s to say', async (t) => {
  const theirs = {
    ...{ uid: 'mine', creationTimestamp: '1999-01-01T00:00:00Z', resourceVersion: '7', generation: 9 },
    ...{ deletionTimestamp: '1999-01-01T00:00:00Z', deletionGracePeriodSeconds: 3, labels: { a: 'b' } },
  }
  t.strictSame(prepareCreate(widgets(), 'team', widget('a', theirs, { spec, status }), birth), {
    ...{ apiVersion: 'lab.example/v1', kind: 'Widget', spec, status },
    metadata: { name: 'a', labels: { a: 'b' }, namespace: 'team', uid: 'u1', creationTimestamp: birth.time },
  })
})

t.test('a new object: its name', async (t) => {
  const nameOf = (metadata: Partial<Widget['metadata']>, name = ''): string =>
    prepareCreate(widgets(), 'team', widget(name, metadata), birth).metadata.name
  t.equal(nameOf({ generateName: 'web-' }), 'web-abcde')
  t.equal(nameOf({ generateName: 'web-' }, 'own'), 'own', 'one that it has, it keeps')
  t.equal(nameOf({}), '')
  t.equal(nameOf({ generateName: 'x'.repeat(58) }), `${'x'.repeat(58)}abcde`)
  t.equal(nameOf({ generateName: 'x'.repeat(70) }), `${'x'.repeat(58)}abcde`, '63 characters at most')
  const { metadata: _, ...without } = widget('a')
  t.equal(prepareCreate(widgets(), 'team', without as Widget, birth).metadata.name, '', 'whatever a body lacks')
})

t.test('a new object: its namespace', async (t) => {
  const of = (row: ResourceDefinition, namespace: string | undefined, asked?: string) =>
    prepareCreate(row, namespace, widget('a', asked === undefined ? {} : { namespace: asked }), birth).metadata
      .namespace
  t.equal(of(widgets(), 'team'), 'team')
  t.equal(of(widgets(), 'team', 'team'), 'team')
  t.equal(of(widgets(), 'team', ''), 'team')
  t.throws(() => of(widgets(), 'team', 'other'), { code: 400, message: /does not match the namespace sent/ })
  t.equal(of(widgets({ namespaced: false }), undefined, 'other'), undefined, 'a kind without namespaces has none')
})

t.test('a new object: what its kind adds', async (t) => {
  const made = (row: ResourceDefinition) =>
    prepareCreate(row, 'team', widget('a', {}, { spec, status }), birth) as Widget
  t.equal(made(widgets()).metadata.generation, undefined)
  t.equal(made(widgets({ generation: true })).metadata.generation, 1)
  t.equal(made(widgets({ status: 'separate' })).status, undefined, 'a status is not the client’s to say')
  t.strictSame(made(widgets({ status: 'onCreate' })).status, status)
  const defaults = (each: Widget): Widget => ({ ...each, spec: { ...each.spec, color: 'red' } })
  t.strictSame(made(widgets({ defaults })).spec, { size: 1, color: 'red' })
  const onCreate = (each: Widget): Widget => ({ ...each, status: { ready: each.spec?.color === 'red' } })
  t.strictSame(made(widgets({ defaults, onCreate })).status, { ready: true }, 'with its defaults filled')
  t.strictSame(made(widgets({ onCreate })).status, { ready: false })
})

t.test('kept in one version, whatever version was sent', async (t) => {
  const old = { ...widgets({ version: 'v1beta1' }), stored: { row: widgets() } }
  const sent = { ...widget('a'), apiVersion: 'lab.example/v1beta1', kind: 'Other' }
  t.match(prepareCreate(old, 'team', sent, birth), { apiVersion: 'lab.example/v1', kind: 'Widget' })
  t.match(prepareUpdate(old, sent, widget('a'), 'main'), { apiVersion: 'lab.example/v1', kind: 'Widget' })
})

const old = widget(
  'a',
  {
    ...{ namespace: 'team', uid: 'u1', creationTimestamp: birth.time, generation: 4, labels: { old: 'x' } },
    ...{ deletionTimestamp: birth.time, managedFields: [{ manager: 'm' }] },
  },
  { spec, status },
)

t.test('a change of everything but the status', async (t) => {
  const given = widget(
    'b',
    { uid: 'other', generation: 77, labels: { new: 'y' } },
    { spec: { size: 2 }, status: { ready: false } },
  )
  const row = widgets({ generation: true, status: 'separate' })
  t.strictSame(prepareUpdate(row, given, old, 'main'), {
    ...{ apiVersion: 'lab.example/v1', kind: 'Widget', spec: { size: 2 }, status },
    metadata: { ...old.metadata, generation: 5, labels: { new: 'y' } },
  })
  t.strictSame(
    (prepareUpdate(widgets(), given, old, 'main') as Widget).status,
    { ready: false },
    'without one of its own',
  )
  const { status: _, ...bare } = old
  t.notOk('status' in prepareUpdate(row, given, bare as Widget, 'main'), 'where there was none there is none')
})

t.test('generations count changes of the wish', async (t) => {
  const row = widgets({ generation: true, status: 'separate' })
  const next = (given: Widget, before = old) => prepareUpdate(row, given, before, 'main').metadata.generation
  t.equal(next(old), 4)
  t.equal(next({ ...old, metadata: { ...old.metadata, labels: { new: 'y' } } }), 4, 'labels are none')
  t.equal(next({ ...old, spec: { size: 2 } }), 5)
  const { generation: _, ...metadata } = old.metadata
  t.equal(next({ ...old, spec: { size: 2 } }, { ...old, metadata }), 1, 'where none was counted')
  const grown: Widget = { ...old, spec: { size: 2 } }
  const uncounted = prepareUpdate(widgets(), grown, old, 'main')
  t.equal(uncounted.metadata.generation, 4, 'a kind that does not count')
  t.equal(next({ ...old, status: { ready: false } }), 4, 'a status is none')
  const field = prepareUpdate(
    widgets({ generation: true }),
    { ...old, status: { ready: false } } as Widget,
    old,
    'main',
  )
  t.equal(field.metadata.generation, 5, 'unless it is a field like any other')
})

t.test('what a kind adds to a change', async (t) => {
  const adopt = (now: Widget, before: Widget): Widget => ({ ...now, spec: { ...before.spec, ...now.spec } })
  const defaults = (each: Widget): Widget => ({ ...each, spec: { color: `${each.spec?.size}`, ...each.spec } })
  const given = widget('a', {}, { spec: {} })
  const changed = (row: ResourceDefinition) => (prepareUpdate(row, given, old, 'main') as Widget).spec
  t.strictSame(changed(widgets()), {})
  t.strictSame(changed(widgets({ adopt })), { size: 1 })
  t.strictSame(changed(widgets({ defaults })), { color: 'undefined' })
  t.strictSame(changed(widgets({ adopt, defaults })), { color: '1', size: 1 }, 'defaults of what is carried over')
})

t.test('a change of the status, which brings its metadata along', async (t) => {
  const marks = { labels: { new: 'y' }, annotations: { a: 'b' }, finalizers: ['x/y'] }
  const given = widget('b', { uid: 'other', ...marks }, { spec: { size: 2 }, status: { ready: false } })
  const changed = (more: Partial<ResourceDefinition<Widget>> = {}, now: Widget = given) =>
    prepareUpdate(widgets({ status: 'separate', ...more }), now, old, 'status')
  t.strictSame(changed(), { ...old, status: { ready: false }, metadata: { ...old.metadata, ...marks } })
  t.strictSame(changed({ statusKeeps: 'all' }), { ...old, status: { ready: false } })
  const { labels: _, ...others } = marks
  t.strictSame(changed({ statusKeeps: ['labels'] }).metadata, { ...old.metadata, ...others }, 'some of it stays')
  const { status: __, ...without } = given
  t.notOk('status' in changed({}, without as Widget), 'one that is taken away')
})

t.test('what the server itself changes', async (t) => {
  const given = widget('b', { finalizers: ['x/y'] }, { spec: { size: 9 }, status: { ready: false } })
  const row = widgets({ generation: true, status: 'separate', defaults: () => old })
  t.strictSame(prepareUpdate(row, given, old, 'internal'), {
    ...given,
    metadata: {
      ...{ name: 'a', namespace: 'team', uid: 'u1', creationTimestamp: birth.time, generation: 4 },
      ...{ deletionTimestamp: birth.time, managedFields: [{ manager: 'm' }], finalizers: ['x/y'] },
    },
  })
})
