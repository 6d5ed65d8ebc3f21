/** Server-side apply and who manages what, without a server. */
import t from 'tap'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import { apply, type Form, type FormOf, type Manager, managedAfter } from '../../../../src/control/apply/managers.ts'
import { shapeOf } from '../../../../src/control/apply/shape.ts'

const form: Form = { shape: shapeOf('apps/v1.Deployment'), from: (object) => object, to: (object) => object }
const formOf: FormOf = (apiVersion) => (apiVersion === 'apps/v1' ? form : undefined)
const time = '2026-01-01T00:00:00Z'

const applier = (name: string): Manager => ({ name, operation: 'Apply', apiVersion: 'apps/v1' })
const updater = (name: string): Manager => ({ name, operation: 'Update', apiVersion: 'apps/v1' })

type Content = Readonly<Record<string, unknown>>
const deployment = (spec: Content, metadata: Content = {}): KubeObject =>
  ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', ...metadata }, spec }) as KubeObject

const container = (name: string, more: Content = {}) => ({ name, ...more })
const withContainers = (...containers: readonly Content[]) => ({ template: { spec: { containers } } })

const by = (old: KubeObject | undefined, wish: KubeObject, name: string, isForced = false): KubeObject => {
  const { object, managedFields } = apply(old, wish, applier(name), { formOf, time, isForced })
  return { ...object, metadata: { ...object.metadata, managedFields } }
}

const updated = (old: KubeObject | undefined, now: KubeObject, name: string): KubeObject => {
  const managedFields = managedAfter(old, now, updater(name), formOf, time)
  return { ...now, metadata: { ...now.metadata, ...(managedFields ? { managedFields } : {}) } }
}

const specOf = (object: KubeObject) => (object as KubeObject & { spec: unknown }).spec
const fieldsOf = (object: KubeObject, name: string) =>
  object.metadata.managedFields?.find(({ manager }) => manager === name)?.fieldsV1

t.test('who applies owns what they name, and nothing else', async (t) => {
  const made = by(undefined, deployment({ replicas: 2, ...withContainers(container('a', { image: '1' })) }), 'one')
  t.same(fieldsOf(made, 'one'), {
    'f:spec': {
      'f:replicas': {},
      'f:template': {
        'f:spec': { 'f:containers': { 'k:{"name":"a"}': { '.': {}, 'f:name': {}, 'f:image': {} } } },
      },
    },
  })
  t.match(made.metadata.managedFields, [
    { manager: 'one', operation: 'Apply', apiVersion: 'apps/v1', fieldsType: 'FieldsV1', time },
  ])
})

t.test('two managers share an object, item by item', async (t) => {
  const one = by(undefined, deployment(withContainers(container('a', { image: '1' }))), 'one')
  const both = by(one, deployment(withContainers(container('b', { image: '2' }))), 'two')
  t.same(specOf(both), withContainers(container('a', { image: '1' }), container('b', { image: '2' })))
  const without = by(both, deployment(withContainers()), 'two')
  t.same(specOf(without), withContainers(container('a', { image: '1' })), 'what one wishes no more goes')
  t.equal(without.metadata.managedFields?.length, 2)
})

t.test('a field of two goes when neither wishes it', async (t) => {
  const labelled = (labels: Content) => deployment({}, { labels })
  const one = by(undefined, labelled({ a: '1', b: '1' }), 'one')
  const both = by(one, labelled({ a: '1' }), 'two')
  const left = by(both, labelled({}), 'one')
  t.same(left.metadata.labels, { a: '1' })
  t.same(by(left, labelled({}), 'two').metadata.labels, {})
})

t.test('another wish of a field is a conflict, unless it is forced', async (t) => {
  const one = by(undefined, deployment({ replicas: 2, paused: true }), 'one')
  t.throws(() => by(one, deployment({ replicas: 3 }), 'two'), {
    code: 409,
    reason: 'Conflict',
    message: 'Apply failed with 1 conflict: conflict with "one": .spec.replicas',
    details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.replicas' }] },
  })
  t.same(specOf(by(one, deployment({ replicas: 2 }), 'two')), { replicas: 2, paused: true }, 'the same wish is none')
  const forced = by(one, deployment({ replicas: 3 }), 'two', true)
  t.same(specOf(forced), { replicas: 3, paused: true })
  t.same(fieldsOf(forced, 'one'), { 'f:spec': { 'f:paused': {} } })

  const changed = updated(one, deployment({ replicas: 5, paused: true }, one.metadata as unknown as Content), 'edit')
  t.same(fieldsOf(changed, 'edit'), { 'f:spec': { 'f:replicas': {} } })
  t.same(fieldsOf(changed, 'one'), { 'f:spec': { 'f:paused': {} } }, 'an update takes what it changes')
  t.throws(() => by(changed, deployment({ replicas: 2, paused: false }), 'two'), {
    message: `Apply failed with 2 conflicts: conflicts with "one":\n- .spec.paused\nconflicts with "edit" using apps/v1 at ${time}:\n- .spec.replicas`,
  })
})

t.test('an item that others have something in stays with what is theirs', async (t) => {
  const one = by(undefined, deployment(withContainers(container('a', { image: '1', tty: true }))), 'one')
  const both = by(one, deployment(withContainers(container('a', { stdin: true }))), 'two')
  const left = by(both, deployment(withContainers()), 'one')
  t.same(specOf(left), withContainers(container('a', { stdin: true })))
})

t.test('a list with one owner is replaced whole', async (t) => {
  const one = by(undefined, deployment(withContainers(container('a', { command: ['x', 'y'] }))), 'one')
  const two = by(one, deployment(withContainers(container('a', { command: ['z'] }))), 'one')
  t.same(specOf(two), withContainers(container('a', { command: ['z'] })))
  t.throws(() => by(two, deployment(withContainers(container('a', { command: ['q'] }))), 'two'), {
    code: 409,
    details: { causes: [{ field: '.spec.template.spec.containers[name="a"].command' }] },
  })
})

t.test('items of two keys, one of them by default', async (t) => {
  const port = (more: Content) => withContainers(container('a', { ports: [{ containerPort: 80, ...more }] }))
  const one = by(undefined, deployment(port({ name: 'http' })), 'one')
  const two = by(one, deployment(port({ name: 'web', protocol: 'TCP' })), 'one')
  t.match(specOf(two), port({ name: 'web' }))
  const udp = by(two, deployment(port({ protocol: 'UDP' })), 'two')
  t.equal(
    (specOf(udp) as { template: { spec: { containers: { ports: unknown[] }[] } } }).template.spec.containers[0]?.ports
      .length,
    2,
  )
})

t.test('items stand in the order of the wish', async (t) => {
  const live = deployment(withContainers(container('a'), container('x'), container('b')))
  const wish = deployment(withContainers(container('n'), container('b'), container('a')))
  const names = (object: KubeObject) =>
    (specOf(object) as { template: { spec: { containers: { name: string }[] } } }).template.spec.containers.map(
      ({ name }) => name,
    )
  t.same(names(by(live, wish, 'one')), ['n', 'b', 'a', 'x'])
})

t.test('who updates owns what they change, the parts themselves with it', async (t) => {
  const made = updated(
    undefined,
    deployment({ replicas: 1, ...withContainers(container('a')) }, { labels: { a: 'b' } }),
    'u',
  )
  t.same(fieldsOf(made, 'u'), {
    'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
    'f:spec': {
      'f:replicas': {},
      'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"a"}': { '.': {}, 'f:name': {} } } } },
    },
  })
  t.equal(managedAfter(made, made, updater('v'), formOf, time), made.metadata.managedFields, 'nothing changed')
  const less = updated(made, deployment(withContainers(container('a')), made.metadata as unknown as Content), 'v')
  t.notMatch(fieldsOf(less, 'u'), { 'f:spec': { 'f:replicas': {} } }, 'what is removed is nobody’s')
})

t.test('a status has managers of its own', async (t) => {
  const old = deployment({ replicas: 1 })
  const now = { ...old, spec: { replicas: 2 }, status: { replicas: 1 } } as KubeObject
  const status: Manager = { ...updater('controller'), subresource: 'status' }
  t.match(managedAfter(old, now, status, formOf, time), [
    { subresource: 'status', fieldsV1: { 'f:status': { 'f:replicas': {} } } },
  ])
  t.match(managedAfter(old, now, updater('u'), formOf, time), [{ fieldsV1: { 'f:spec': { 'f:replicas': {} } } }])
})

t.test('many who update become one', async (t) => {
  let object = updated(undefined, deployment({}, { labels: { l0: '0' } }), 'm0')
  for (let n = 1; n < 15; n++)
    object = updated(
      object,
      deployment({}, { ...object.metadata, labels: { ...object.metadata.labels, [`l${n}`]: '1' } }),
      `m${String(n).padStart(2, '0')}`,
    )
  t.ok((object.metadata.managedFields ?? []).length <= 10)
  t.ok(object.metadata.managedFields?.some(({ manager }) => manager === 'ancient-changes'))
})

t.test('names of the language are names like all others', async (t) => {
  const labels = JSON.parse('{"__proto__":"x","constructor":"y"}') as Content
  const made = by(undefined, deployment({}, { labels }), 'one')
  t.strictSame(Object.keys(made.metadata.labels ?? {}), ['__proto__', 'constructor'])
  const gone = by(made, deployment({}, { labels: {} }), 'one')
  t.strictSame(Object.keys(gone.metadata.labels ?? {}), [])
})
