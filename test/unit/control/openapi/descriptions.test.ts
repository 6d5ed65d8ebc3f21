/** Whether the words are of what there is, whether there are words of all of it, and where clients find them. */
import t from 'tap'
import { isJsonObject } from '../../../../src/api/json.ts'
import { gatewayDefinitions } from '../../../../src/control/bootstrap/gateway/definitions.ts'
import {
  descriptionOfField,
  descriptionOfType,
  likeness,
  writtenDescriptions,
} from '../../../../src/control/openapi/descriptions.ts'
import { openApiV2 } from '../../../../src/control/openapi/v2.ts'
import { createOpenApiV3 } from '../../../../src/control/openapi/v3.ts'
import { servedDefinitions } from '../../../../src/control/registry/registry.ts'
import { schemaTypeOf } from '../../../../src/control/resources/definition.ts'
import { type FieldType, fieldsOf, hasType } from '../../../../src/control/schema/types.ts'

const typeIn = (type: FieldType): string | undefined => {
  if (type.kind === 'object') return type.type
  return type.kind === 'scalar' ? undefined : typeIn(type.of)
}

/** All types that clients see. */
const published = (): ReadonlySet<string> => {
  const found = new Set<string>()
  const visit = (type: string): void => {
    if (found.has(type)) return
    found.add(type)
    for (const { type: inner } of fieldsOf(type).values()) {
      const name = typeIn(inner)
      if (name !== undefined) visit(name)
    }
  }
  for (const definition of servedDefinitions) visit(schemaTypeOf(definition))
  return found
}

t.test('words are of types and fields that there are, short and in whole sentences', async (t) => {
  const wrong: string[] = []
  const expect = (holds: boolean, said: string) => holds || wrong.push(said)
  for (const [type, words] of writtenDescriptions()) {
    expect(hasType(type), `there is no type ${type}`)
    if (!hasType(type)) continue
    for (const [field, text] of Object.entries(words)) {
      if (field === likeness) expect(writtenDescriptions().has(text), `${type}: there are no words of ${text}`)
      else {
        expect(field === '' || fieldsOf(type).has(field), `${type} has no field ${field}`)
        expect(/^["$*]?[A-Z0-9].*\.$/s.test(text) && text.length < 300, `${type} ${field}: ${text}`)
      }
    }
    const name = type.slice(type.indexOf('.') + 1)
    const own = words['']
    expect(own === undefined || own.startsWith(`${name} `), `${type} does not begin with its name: ${own}`)
  }
  t.strictSame(wrong, [])
  t.ok(writtenDescriptions().size > 300)
})

t.test('every part of a bundled definition has words, too', async (t) => {
  const wrong: string[] = []
  let parts = 0
  const visit = (schema: unknown, path: string): void => {
    if (!isJsonObject(schema)) return
    const { description, properties, items, additionalProperties } = schema
    parts++
    if (typeof description !== 'string' || !/^["$*]?[A-Z0-9].*\.$/s.test(description) || description.length >= 300)
      wrong.push(`${path}: ${description}`)
    if (isJsonObject(properties))
      for (const [name, field] of Object.entries(properties)) visit(field, `${path}.${name}`)
    visit(items, `${path}[]`)
    visit(additionalProperties, `${path}.*`)
  }
  for (const { spec } of gatewayDefinitions())
    for (const { name, schema } of spec.versions) visit(schema?.openAPIV3Schema, `${spec.names.kind} ${name}`)
  t.strictSame(wrong, [])
  t.ok(parts > 500)
})

t.test('nothing is written down that another version, or the type it is like, says in the same words', async (t) => {
  const versionless = (type: string) => type.replace(/\/[^.]*/, '')
  const again = [...writtenDescriptions()].flatMap(([type, words]) =>
    [...writtenDescriptions()].flatMap(([other, twins]) => {
      const isTwin = (type < other && versionless(type) === versionless(other)) || words[likeness] === other
      if (!isTwin) return []
      const isSame = (field: string) => {
        const [one, two] = [fieldsOf(type).get(field)?.type, fieldsOf(other).get(field)?.type]
        return field !== likeness && JSON.stringify(one) === JSON.stringify(two)
      }
      return Object.keys(words)
        .filter((field) => isSame(field) && twins[field] === words[field])
        .map((field) => `${type} as ${other}: ${field}`)
    }),
  )
  t.strictSame(again, [])
})

t.test('there are words of every type that is served, and of each of its fields', async (t) => {
  const untold = [...published()].flatMap((type) => [
    ...(descriptionOfType(type) === undefined ? [type] : []),
    ...[...fieldsOf(type).keys()]
      .filter((field) => descriptionOfField(type, field) === undefined)
      .map((f) => `${type}.${f}`),
  ])
  t.strictSame(untold, [], 'write them in src/control/openapi/descriptions')
})

t.test('words are shared by fields that are the same, and by no others', async (t) => {
  const field = descriptionOfField
  t.equal(field('batch/v1beta1.CronJobSpec', 'schedule'), field('batch/v1.CronJobSpec', 'schedule'), 'another version')
  t.equal(descriptionOfType('batch/v1beta1.CronJob'), descriptionOfType('batch/v1.CronJob'))
  t.equal(field('core/v1.EphemeralContainer', 'image'), field('core/v1.Container', 'image'), 'the type that it is like')
  t.not(field('core/v1.EphemeralContainer', 'lifecycle'), field('core/v1.Container', 'lifecycle'), 'its own go first')
  t.equal(
    field('extensions/v1beta1.IngressSpec', 'tls'),
    field('networking/v1.IngressSpec', 'tls'),
    'both one after the other',
  )
  t.equal(field('core/v1.Pod', 'metadata'), field('apps/v1.Deployment', 'metadata'), 'what every object has')
  t.not(field('autoscaling/v2beta1.ObjectMetricSource', 'target'), field('autoscaling/v2.ObjectMetricSource', 'target'))
  t.equal(field('core/v1.Pod', 'nothing'), undefined)
  t.equal(field('core/v1.NodeAddress', 'metadata'), undefined)
})

t.test('what clients look for by its words is there', async (t) => {
  t.match(descriptionOfField('core/v1.Pod', 'apiVersion'), /^APIVersion defines/)
  t.match(descriptionOfField('core/v1.Pod', 'metadata'), /Standard object's metadata/)
  t.match(descriptionOfField('meta/v1.ObjectMeta', 'creationTimestamp'), /CreationTimestamp is a timestamp/)
})

const named = (kind: string) => servedDefinitions.filter((each) => each.kind === kind && each.version === 'v1')

t.test('they stand in both documents: of types, of plain fields, beside references and of lists', async (t) => {
  const pods = named('Pod')
  const words = {
    type: descriptionOfType('core/v1.PodSpec'),
    reference: descriptionOfField('core/v1.Pod', 'spec'),
    plain: descriptionOfField('core/v1.PodSpec', 'nodeName'),
    list: descriptionOfField('core/v1.PodSpec', 'containers'),
  }
  const v2 = JSON.parse(String(openApiV2(pods, '1', 'json').bytes))
  const v3 = JSON.parse(createOpenApiV3(pods, '1').document('api/v1'))
  for (const schemas of [v2.definitions, v3.components.schemas]) {
    const { description, properties } = schemas['io.k8s.api.core.v1.PodSpec']
    t.strictSame(
      {
        type: description,
        reference: schemas['io.k8s.api.core.v1.Pod'].properties.spec.description,
        plain: properties.nodeName.description,
        list: properties.containers.description,
      },
      words,
    )
  }
  const pod = 'io.k8s.api.core.v1.Pod'
  t.equal(v2.definitions[pod].properties.spec.$ref, '#/definitions/io.k8s.api.core.v1.PodSpec')
  t.strictSame(v3.components.schemas[pod].properties.spec.allOf, [
    { $ref: '#/components/schemas/io.k8s.api.core.v1.PodSpec' },
  ])
  const packed = Buffer.from(openApiV2(pods, '1', 'protobuf').bytes)
  for (const text of Object.values(words)) t.ok(text !== undefined && packed.includes(text), `protobuf: ${text}`)
})
