/** No text of any object is left without a form, or a reason why it may be any text. */
import t from 'tap'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import { fieldFormats } from '../../../../src/control/registry/fields.ts'
import { definitions } from '../../../../src/control/registry/registry.ts'
import { validateFormats } from '../../../../src/control/registry/validate-formats.ts'
import { apiVersionOf, type ResourceDefinition, schemaTypeOf } from '../../../../src/control/resources/definition.ts'
import { envName, line, path, pathWithin } from '../../../../src/control/resources/formats/formats.ts'
import { verbsOf } from '../../../../src/control/resources/verbs.ts'
import { fieldsOf, typeNames } from '../../../../src/control/schema/types.ts'
import { createTestApi, type Json, type TestApi } from '../../../support/api-server.ts'
import { withValue } from '../../../support/hostile-objects.ts'
import { pathText, type TextPlace, textPlaces } from '../../../support/schema-texts.ts'
import { validObject } from '../../../support/valid-objects.ts'

// Thousands of requests each.
const timeout = 200_000
t.setTimeout(3 * timeout)

const idOf = ({ type, field }: TextPlace): string => `${type}.${field}`
const formatOf = ({ type, field }: TextPlace) => fieldFormats[type]?.[field]

/** One place for each field of each type. */
const distinctPlaces = new Map(
  [...definitions.map(schemaTypeOf), 'core/v1.Binding', 'autoscaling/v1.Scale'].flatMap((type) =>
    textPlaces(type).map((place) => [idOf(place), place] as const),
  ),
)

/** The forms of names, whether or not there is such an object. */
const formsAlone = { disabled: ['ServiceAccount', 'Priority'] } as const

/** All but those that can only be asked, or looked at. */
const kept = definitions.filter((each) => verbsOf(each).includes('list') && verbsOf(each).includes('create'))

t.test('every text of the schema has a form', async (t) => {
  const without = [...distinctPlaces.values()].filter((place) => !formatOf(place)).map(idOf)
  t.strictSame(without, [], 'give them a form in resources/<group>/formats.ts, or a reason why they need none')
})

t.test('every form is that of a field which there is', async (t) => {
  const known = new Set(typeNames())
  for (const [type, formats] of Object.entries(fieldFormats)) {
    t.ok(known.has(type), type)
    if (known.has(type))
      t.strictSame(
        Object.keys(formats).filter((field) => !fieldsOf(type).has(field)),
        [],
        type,
      )
  }
})

/** What no form takes. */
const attacks: Readonly<Record<string, string>> = {
  'a new line': '10.0.0.1/32 -j RETURN\nCOMMIT',
  'a carriage return': 'a\r\nX-Header: b',
  NUL: 'a\0b',
  'an escape sequence': 'a\u001b[2Jb',
  'a megabyte': 'a'.repeat(1024 * 1024),
}
/** Nor any but those of whole lines and of paths. */
const finerAttacks: Readonly<Record<string, string>> = {
  'a space': '10.0.0.1 -j ACCEPT',
  quotes: 'a"b',
  'a way up': '../../etc/passwd; rm',
  'leading zeros': '010.0.0.1 ',
}
const wholeLines: readonly unknown[] = [line, path, pathWithin, envName]

t.test('each form refuses what would reach further than a value', { timeout }, async (t) => {
  for (const place of distinctPlaces.values()) {
    const format = formatOf(place)
    if (!format || !('check' in format || 'entry' in format)) continue
    const wanted = wholeLines.includes(format) ? attacks : { ...attacks, ...finerAttacks }
    const accepted = Object.entries(wanted).filter(([, attack]) => {
      const value = place.isMap ? { [attack]: attack } : attack
      const where = place.path.at(-1) === 0 ? [place.field, 0] : [place.field]
      const errors = validateFormats(withValue({}, where, value) as Readonly<Record<string, unknown>>, place.type)
      return !errors.some(({ field }) => field.startsWith(place.field))
    })
    t.strictSame(
      accepted.map(([name]) => name),
      [],
      idOf(place),
    )
  }
})

const marker = 'pwn\ned'

const collection = (definition: ResourceDefinition): string => {
  const root = definition.group === '' ? '/api/v1' : `/apis/${apiVersionOf(definition)}`
  return `${root}/${definition.namespaced ? 'namespaces/default/' : ''}${definition.plural}`
}

/** Writes the marker to a place, by the way that leads there. */
const attack = async (api: TestApi, definition: ResourceDefinition, place: TextPlace, value: unknown) => {
  const object = validObject(definition, 'base')
  const [root] = place.path
  if (root !== 'status' || !definition.status)
    return api.request('POST', `${collection(definition)}?dryRun=All`, { body: withValue(object, place.path, value) })
  const made = await api.request('POST', collection(definition), { body: object })
  if (made.code !== 201 && made.code !== 409) throw new Error(`${definition.kind}: ${made.body['message']}`)
  return api.request('PATCH', `${collection(definition)}/${object.metadata.name}/status?dryRun=All`, {
    body: withValue({}, place.path, value),
    contentType: 'application/merge-patch+json',
  })
}

/** What is put into a place, and whether its form lets it pass. */
const attacksOn = (place: TextPlace): readonly (readonly [value: unknown, isFree: boolean])[] => {
  const format = formatOf(place)
  const isFree = format !== undefined && 'free' in format
  if (place.scalar === 'any') return [[{ [marker]: {} }, isFree]]
  if (!place.isMap) return [[marker, isFree]]
  const hasFreeValues = isFree || (format !== undefined && 'entry' in format && format.freeValues !== undefined)
  return [
    [{ [marker]: 'v' }, isFree],
    [{ ok: marker }, hasFreeValues],
  ]
}

/** What is wrong with an answer to an object with the marker in it; undefined when nothing is. */
/** Where Kubernetes names another field than the one that is wrong, or an item without its place. */
const namedAs = [
  [/\[\d+\]/g, ''],
  [/^spec\.taints/, 'metadata.taints'],
  [/^scheduling\.tolerations/, 'scheduling.tolerations.tolerations'],
  [/tolerations\.value$/, 'tolerations.operator'],
  [/template\.metadata\.labels$/, 'template.labels'],
  [/downwardAPI\.items/, 'downwardAPI'],
] as const

const asNamed = (where: string): string => namedAs.reduce((path, [pattern, name]) => path.replace(pattern, name), where)

const judge = ({ code, body }: { readonly code: number; readonly body: Json }, where: string): string | undefined => {
  if (code < 300) return JSON.stringify(body).includes('pwn') ? 'accepted' : undefined
  if (code === 400) return undefined
  if (code !== 422) return `${code} ${body['message']}`
  const fields = [...((body['details']?.['causes'] ?? []) as unknown as Json[])].map((cause) => String(cause['field']))
  const named = asNamed(where)
  const isNamed = (field: string): boolean =>
    where.startsWith(field) || field.startsWith(where) || named.startsWith(field.replaceAll(/\[\d+\]/g, ''))
  // What a patch makes of an object, and cannot be decoded, is said of the patch as a whole, as in Kubernetes.
  return fields.some(isNamed) || fields.includes('patch') ? undefined : `not named in ${fields.join(', ')}`
}

t.test('the API takes no text that has not its form, and names the place', { timeout }, async (t) => {
  const api = await createTestApi({ admission: formsAlone })
  for (const definition of kept) {
    const wrong: string[] = []
    for (const place of textPlaces(schemaTypeOf(definition)))
      for (const [value, isFree] of attacksOn(place)) {
        // What is written there goes into `data`.
        const where = pathText(place.path).replace(/^stringData/, 'data')
        const reply = await attack(api, definition, place, value).catch((error: Error) => error)
        const fault = reply instanceof Error ? reply.stack : isFree ? undefined : judge(reply, where)
        if (fault !== undefined) wrong.push(`${where}: ${fault}`)
      }
    t.strictSame(wrong, [], definition.kind)
  }
})

t.test('an object that lacks something, or has something else in its place, is answered', { timeout }, async (t) => {
  const api = await createTestApi({ admission: formsAlone })
  const odd: readonly unknown[] = [[], null, '', 0, -1, [null], [{}], { constructor: 'x' }]
  for (const definition of kept) {
    const faults: string[] = []
    const paths = new Map(
      textPlaces(schemaTypeOf(definition)).flatMap(({ path }) =>
        path.map((_, length) => [pathText(path.slice(0, length + 1)), path.slice(0, length + 1)] as const),
      ),
    )
    let turn = 0
    for (const [where, path] of paths)
      for (const value of [{}, odd[turn++ % odd.length]])
        for (const base of [validObject(definition, 'base'), { metadata: { name: 'bare' } }])
          await api
            .request('POST', `${collection(definition)}?dryRun=All`, { body: withValue(base, path, value) })
            .catch((error: Error) => faults.push(`${where} ${JSON.stringify(value)}: ${error.stack}`))
    t.strictSame(faults.slice(0, 3), [], definition.kind)
  }
})

t.test('a text of before its form was known stays, and the object can still be changed', async (t) => {
  const api = await createTestApi({ admission: formsAlone })
  const services = '/api/v1/namespaces/default/services'
  const { body } = await api.request('POST', services, {
    body: { metadata: { name: 'old' }, spec: { ports: [{ port: 80 }] } },
  })
  const spec = { ...(body['spec'] as object), loadBalancerIP: 'not an address' }
  const object = { ...body, spec } as unknown as KubeObject
  await api.store.commit({
    key: { bucket: 'services', name: 'default/old' },
    expected: Number(body['metadata']?.['resourceVersion']),
    object,
  })
  const contentType = 'application/merge-patch+json'
  const patch = (change: object) => api.request('PATCH', `${services}/old`, { body: change, contentType })
  t.equal((await patch({ metadata: { labels: { a: 'b' } } })).code, 200)
  t.equal((await patch({ spec: { loadBalancerIP: 'nor this' } })).code, 422)
  t.equal((await patch({ spec: { loadBalancerIP: '192.0.2.1' } })).code, 200)
})
