/** Whole objects within the objects of kinds that users define. */
import t from 'tap'
import type { Json } from '../../../support/api-server.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { defineKind, tableDefinition } from '../../../support/custom-kind.ts'

const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true }
const properties = { spec: { type: 'object' } }

t.test('they are published with what every object has', async (t) => {
  const plane = await startControlPlane(t)
  await defineKind(
    plane,
    tableDefinition({
      one: { ...embedded, properties, required: ['spec'] },
      many: { type: 'array', items: { ...embedded, properties } },
      named: { type: 'object', additionalProperties: { ...embedded, properties } },
      free: { ...embedded, 'x-kubernetes-preserve-unknown-fields': true },
    }),
  )
  const fieldsOf = async (path: string, ...to: readonly string[]) => {
    const { body } = await plane.request('GET', path, { accept: 'application/json' })
    const schema = [...to, 'com.example.v1.Table', 'properties', 'spec', 'properties'].reduce<Json | undefined>(
      (at, step) => at?.[step],
      body,
    )
    if (schema === undefined) throw new Error(`${path} does not have the kind`)
    return schema
  }
  const v2 = await fieldsOf('/openapi/v2', 'definitions')
  const v3 = await fieldsOf('/openapi/v3/apis/example.com/v1', 'components', 'schemas')
  const whole = {
    properties: {
      apiVersion: { type: 'string', description: /^APIVersion defines/ },
      kind: { type: 'string' },
      metadata: { description: /^Standard object's metadata/ },
      spec: { type: 'object' },
    },
  }
  for (const schema of [v2, v3])
    t.match(schema, {
      one: { ...whole, required: ['spec', 'kind', 'apiVersion'] },
      many: { items: { ...whole, required: ['kind', 'apiVersion'] } },
      named: { additionalProperties: { ...whole, required: ['kind', 'apiVersion'] } },
    })
  t.match(v2, { one: { properties: { metadata: { $ref: /ObjectMeta$/ } } } })
  t.match(v3, { one: { properties: { metadata: { allOf: [{ $ref: /ObjectMeta$/ }] } } } })
  t.match(v3, { free: { properties: { kind: { type: 'string' } } } })
  t.strictSame(
    v2['free'],
    { 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    'clients of v2 would refuse whatever else is there',
  )
})
