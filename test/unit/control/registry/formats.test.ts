/** No text of any object is left without a form, or a reason why it may be any text. */
import t from 'tap'
import { apiVersionOf, type ResourceDefinition, schemaTypeOf } from '../../../../src/control/registry/definition.ts'
import { fieldFormats } from '../../../../src/control/registry/formats/fields.ts'
import { envName, line, path, pathWithin } from '../../../../src/control/registry/formats/formats.ts'
import { validateFormats } from '../../../../src/control/registry/formats/validate.ts'
import { definitions } from '../../../../src/control/registry/registry.ts'
import { fieldsOf, typeNames } from '../../../../src/control/schema/types.ts'
import { createTestApi, type Json, type TestApi } from '../../../support/api-server.ts'
import { withValue } from '../../../support/hostile-objects.ts'
import { pathText, type TextPlace, textPlaces } from '../../../support/schema-texts.ts'
import { validObject } from '../../../support/valid-objects.ts'

const idOf = ({ type, field }: TextPlace): string => `${type}.${field}`
const formatOf = ({ type, field }: TextPlace) => fieldFormats[type]?.[field]

/** One place for each field of each type. */
const distinctPlaces = new Map(
  [...definitions.map(schemaTypeOf), 'Binding', 'Scale'].flatMap((type) =>
    textPlaces(type).map((place) => [idOf(place), place] as const),
  ),
)

t.test('every text of the schema has a form', async (t) => {
  const without = [...distinctPlaces.values()].filter((place) => !formatOf(place)).map(idOf)
  t.strictSame(without, [], 'give them a form in registry/formats/fields.ts, or a reason why they need none')
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

t.test('each form refuses what would reach further than a value', async (t) => {
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
const attack = async (api: TestApi, definition: ResourceDefinition, place: TextPlace, name: string) => {
  const value = place.isMap ? { [marker]: marker } : place.scalar === 'any' ? { [marker]: {} } : marker
  const object = validObject(definition, name)
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

t.test('what the API takes', async (t) => {
  const api = await createTestApi()
  for (const definition of definitions) {
    const wrong: string[] = []
    for (const place of textPlaces(schemaTypeOf(definition))) {
      // What is written there goes into `data`.
      const where = pathText(place.path).replace(/^stringData/, 'data')
      const reply = await attack(api, definition, place, 'base').catch((error: Error) => error)
      if (reply instanceof Error) {
        wrong.push(`${where}: ${reply.stack?.split('\n').slice(0, 2).join(' ')}`)
        continue
      }
      const { code, body } = reply
      const format = formatOf(place)
      if (code >= 500) wrong.push(`${where}: ${code} ${body['message']}`)
      else if (format && 'free' in format) continue
      else if (code < 300) {
        if (JSON.stringify(body).includes('pwn')) wrong.push(`${where}: accepted`)
      } else if (code === 422) {
        const fields = [...((body['details']?.['causes'] ?? []) as unknown as Json[])].map((cause) =>
          String(cause['field']),
        )
        const isNamed = fields.some((field) => where.startsWith(field) || field.startsWith(where))
        if (!isNamed) wrong.push(`${where}: not named in ${fields.join(', ')}`)
      } else if (code !== 400) wrong.push(`${where}: ${code} ${body['message']}`)
    }
    t.strictSame(wrong, [], definition.kind)
  }
})
