/** The catalogue of kinds: several sources, whose kinds come and go. */
import t from 'tap'
import { createOpenApi } from '../../../../src/control/openapi/openapi.ts'
import { createRegistry, type Kind, type KindSource } from '../../../../src/control/registry/registry.ts'
import type { ResourceDefinition } from '../../../../src/control/resources/definition.ts'
import { labelName } from '../../../../src/control/resources/names.ts'

const kindOf = (group: string, plural: string, kind: string): Kind => {
  const row: ResourceDefinition = {
    ...{ group, version: 'v1', plural, singular: plural, kind, namespaced: true, columns: [], nameRule: labelName },
    schema: {
      decode: () => ({ value: {}, unknown: [] }),
      shape: { kind: 'deduced' },
      published: { type: 'object', properties: { size: { type: 'integer', minimum: 1 } } },
    },
  }
  return { row, served: [row] }
}

const createSource = (): KindSource & { set(kinds: readonly Kind[]): void } => {
  let kinds: readonly Kind[] = []
  const listeners = new Set<() => void>()
  return {
    get kinds() {
      return kinds
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    set: (next) => {
      kinds = next
      for (const listener of listeners) listener()
    },
  }
}

t.test('kinds come and go, and whoever listens is told', async (t) => {
  const source = createSource()
  const registry = createRegistry(source)
  const before = registry.definitions.length
  let told = 0
  const end = registry.subscribe(() => told++)

  t.equal(registry.find('example.com', 'v1', 'tables'), undefined)
  source.set([kindOf('example.com', 'tables', 'Table')])
  t.equal(told, 1)
  t.equal(registry.find('example.com', 'v1', 'tables')?.kind, 'Table')
  t.equal(registry.definitions.length, before + 1)

  source.set([])
  t.equal(told, 2)
  t.equal(registry.find('example.com', 'v1', 'tables'), undefined)
  end()
  source.set([kindOf('example.com', 'tables', 'Table')])
  t.equal(told, 2)
})

t.test('a kind that is added takes nobody’s place', async (t) => {
  const source = createSource()
  const registry = createRegistry(source)
  source.set([kindOf('apps', 'deployments', 'Impostor')])
  t.equal(registry.find('apps', 'v1', 'deployments')?.kind, 'Deployment')
})

t.test('OpenAPI follows', async (t) => {
  const source = createSource()
  const registry = createRegistry(source)
  const openApi = createOpenApi(registry, '1.0.0')
  const { bytes } = await openApi.v2('application/json')
  t.equal((await openApi.v2('application/json')).bytes, bytes, 'made once')
  const index = JSON.stringify(openApi.v3.index())
  t.throws(() => openApi.v3.document('apis/example.com/v1'))

  source.set([kindOf('stable.example.com', 'tables', 'Table')])
  const { definitions } = JSON.parse(String((await openApi.v2('application/json')).bytes))
  t.match(definitions['com.example.stable.v1.Table'], {
    properties: {
      size: { minimum: 1 },
      metadata: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
    },
    'x-kubernetes-group-version-kind': [{ group: 'stable.example.com', version: 'v1', kind: 'Table' }],
  })
  t.not(JSON.stringify(openApi.v3.index()), index)
  const { components } = JSON.parse(openApi.v3.document('apis/stable.example.com/v1'))
  t.match(components.schemas['com.example.stable.v1.Table'].properties, { size: { type: 'integer' }, kind: {} })
  t.ok(components.schemas['io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference'], 'with all it is made of')
})
