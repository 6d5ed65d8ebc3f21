/** Reads the document back with a small decoder of its own and looks for what kubectl looks for. */
import t from 'tap'
import { createOpenApi } from '../../../../src/control/openapi/openapi.ts'
import { openApiV2 } from '../../../../src/control/openapi/v2.ts'
import { builtInKinds, createRegistry, definitions } from '../../../../src/control/registry/registry.ts'

type Message = Map<number, (Buffer | number)[]>

const readVarint = (bytes: Buffer, at: number): [value: number, next: number] => {
  let value = 0
  for (let shift = 0; ; shift++) {
    const byte = bytes[at + shift] ?? 0
    value += (byte & 127) * 2 ** (7 * shift)
    if (byte < 128) return [value, at + shift + 1]
  }
}

const read = (bytes: Buffer): Message => {
  const message: Message = new Map()
  for (let at = 0; at < bytes.length; ) {
    const [tag, afterTag] = readVarint(bytes, at)
    const [size, start] = readVarint(bytes, afterTag)
    const isBytes = (tag & 7) === 2
    const value = isBytes ? bytes.subarray(start, start + size) : size
    at = isBytes ? start + size : start
    message.set(tag >> 3, [...(message.get(tag >> 3) ?? []), value])
  }
  return message
}

const all = (message: Message | undefined, number: number): Buffer[] =>
  (message?.get(number) ?? []).filter((value) => Buffer.isBuffer(value))
const one = (message: Message | undefined, number: number): Message => read(all(message, number)[0] ?? Buffer.alloc(0))
const text = (message: Message | undefined, number: number): string => String(all(message, number)[0] ?? '')
const byName = (items: Buffer[]): Map<string, Message> =>
  new Map(items.map((item) => [text(read(item), 1), one(read(item), 2)]))
const extension = (message: Message | undefined, field: number, name: string): unknown => {
  const value = byName(all(message, field)).get(name)
  return value && JSON.parse(text(value, 2))
}

t.test('the OpenAPI v2 document holds every type, and a PATCH for every kind', async (t) => {
  const document = read(Buffer.from(openApiV2(definitions, '1.2.3', 'protobuf').bytes))
  t.equal(text(document, 1), '2.0')
  t.equal(text(one(document, 2), 2), '1.2.3')
  const paths = byName(all(one(document, 8), 2))
  const types = byName(all(one(document, 9), 1))

  for (const { group, version, kind, custom = false } of definitions) {
    const patches = [...paths.values()].map((item) => one(item, 8))
    const own = patches.find((patch) => {
      const gvk = extension(patch, 13, 'x-kubernetes-group-version-kind') as { kind?: string } | undefined
      return gvk?.kind === kind
    })
    t.strictSame(
      extension(own, 13, 'x-kubernetes-group-version-kind'),
      { group, version, kind },
      `${kind} can be patched`,
    )
    const parameters = all(own, 8).map((item) => text(one(one(one(read(item), 1), 2), 3), 4))
    t.ok(parameters.includes('dryRun'), `${kind}: PATCH knows dryRun`)
    t.equal(all(own, 7).map(String).includes('application/strategic-merge-patch+json'), !custom)
  }

  const podSpec = types.get('io.k8s.api.core.v1.PodSpec')
  const properties = byName(all(one(podSpec, 25), 1))
  const containers = properties.get('containers')
  t.equal(text(one(containers, 22), 1), 'array')
  t.equal(
    text(read(all(one(containers, 23), 1)[0] ?? Buffer.alloc(0)), 1),
    '#/definitions/io.k8s.api.core.v1.Container',
  )
  t.equal(extension(containers, 31, 'x-kubernetes-patch-merge-key'), 'name')
  t.equal(extension(containers, 31, 'x-kubernetes-patch-strategy'), 'merge')
  t.same(all(podSpec, 19).map(String), ['containers'], 'required')
  t.strictSame(extension(types.get('io.k8s.api.core.v1.Pod'), 31, 'x-kubernetes-group-version-kind'), [
    { group: '', version: 'v1', kind: 'Pod' },
  ])
})

t.test('in JSON it says the same', async (t) => {
  const { contentType, bytes } = openApiV2(definitions, '1.2.3', 'json')
  t.equal(contentType, 'application/json')
  const document = JSON.parse(String(bytes))
  t.equal(document.swagger, '2.0')
  t.match(document.definitions['io.k8s.api.core.v1.PodSpec'].properties.containers, {
    type: 'array',
    items: { $ref: '#/definitions/io.k8s.api.core.v1.Container' },
    'x-kubernetes-patch-merge-key': 'name',
  })
  t.match(document.paths['/api/v1/namespaces/{namespace}/pods/{name}'].patch, {
    parameters: [{}, { name: 'dryRun' }],
    'x-kubernetes-group-version-kind': { group: '', version: 'v1', kind: 'Pod' },
  })
})

t.test(
  'a field that may have any value is of no type, or clients would refuse values that are no objects',
  async (t) => {
    const { definitions: types } = JSON.parse(String(openApiV2(definitions, '1.2.3', 'json').bytes))
    const schema = types['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'].properties
    for (const name of ['default', 'example', 'items']) t.notOk('type' in schema[name], name)
    t.strictSame(schema.enum.items, {})
  },
)

t.test('it comes as JSON unless protobuf is asked for, and says which one it is', async (t) => {
  const openApi = createOpenApi(createRegistry(builtInKinds), '0')
  const plain = await openApi.v2('')
  t.equal(plain.contentType, 'application/json')
  t.equal(JSON.parse(String(plain.bytes)).swagger, '2.0')
  t.equal((await openApi.v2('application/json, */*')).tag, plain.tag)
  const packed = await openApi.v2('application/com.github.proto-openapi.spec.v2@v1.0+protobuf')
  t.equal(packed.contentType, 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf')
  t.not(packed.tag, plain.tag)
})
