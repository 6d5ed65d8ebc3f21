import t from 'tap'
import { definitions } from '../../../../src/control/registry/registry.ts'
import { schemaTypeOf } from '../../../../src/control/resources/definition.ts'
import {
  type FieldType,
  fieldsOf,
  hasType,
  publicNameOf,
  typeNamed,
  typeNames,
} from '../../../../src/control/schema/types.ts'

t.test('the facts of a field stand in one place', async (t) => {
  const pod = fieldsOf('core/v1.PodSpec')
  t.match(pod.get('containers'), {
    type: { kind: 'list', of: { kind: 'object', type: 'core/v1.Container' } },
    ...{ required: true, always: true, numbers: [2], merge: { key: 'name' }, list: 'map', keys: ['name'] },
  })
  t.match(pod.get('volumes'), { merge: { key: 'name', retainKeys: true } })
  t.match(pod.get('nodeSelector'), { atomic: true, required: false, always: false })
  t.strictSame(fieldsOf('core/v1.Volume').get('emptyDir')?.numbers, [2, 2], 'of a message that JSON does not show')
  t.strictSame(fieldsOf('core/v1.Pod').get('kind')?.numbers, [], 'in no message')
  t.equal(fieldsOf('core/v1.ContainerPort').get('protocol')?.default, 'TCP')
  t.match(fieldsOf('meta/v1.ObjectMeta').get('finalizers'), { merge: {}, list: 'set' })
  t.equal(fieldsOf('apps/v1.DeploymentSpec').get('replicas')?.pointer, true)
})

t.test('every type that a field names is there', async (t) => {
  const namesIn = (type: FieldType): readonly string[] =>
    type.kind === 'object' ? [type.type] : type.kind === 'scalar' ? [] : namesIn(type.of)
  const missing = typeNames().flatMap((name) =>
    [...fieldsOf(name).values()].flatMap(({ type }) => namesIn(type).filter((each) => !hasType(each))),
  )
  t.strictSame(missing, [])
  for (const definition of definitions) t.ok(hasType(schemaTypeOf(definition)), definition.kind)
})

t.test('kinds of one name in two groups are two types', async (t) => {
  t.equal(typeNamed('v1', 'Event'), 'core/v1.Event')
  t.equal(typeNamed('events.k8s.io/v1', 'Event'), 'events/v1.Event')
  t.equal(typeNamed('apps/v1', 'DeleteOptions'), 'meta/v1.DeleteOptions')
  t.equal(typeNamed('v1', '__proto__'), undefined)
  t.equal(publicNameOf('meta/v1.ObjectMeta'), 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta')
  t.throws(() => fieldsOf('core/v1.Nosuch'))
})
