/**
 * Writes src/control/schema/field-numbers.json: which number each field has in Kubernetes' protobuf, for the types of
 * types.json. The facts come out of a kubectl program, which carries the descriptors of all API types (gzipped, as Go's
 * generated code registers them); run this to take in a newer release:
 *
 *   node scripts/field-numbers.ts "$(readlink -f "$(command -v kubectl)")"
 *
 * An entry `@N` is a message that JSON does not show: its fields stand in the object around it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, gunzipSync } from 'node:zlib'

const [program] = process.argv.slice(2)
if (program === undefined) {
  console.error('usage: node scripts/field-numbers.ts KUBECTL-PROGRAM')
  process.exit(2)
}

interface Field {
  readonly number: number
  readonly value: number | Buffer
}

/** Fields of a descriptor; throws for bytes that are none. */
const fieldsOf = (bytes: Buffer): Field[] => {
  const found: Field[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('cut off')
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = varint()
    const wireType = key & 7
    if (wireType === 0) found.push({ number: key >> 3, value: varint() })
    else if (wireType === 2) {
      const length = varint()
      if (at + length > bytes.length) throw new Error('cut off')
      found.push({ number: key >> 3, value: bytes.subarray(at, at + length) })
      at += length
    } else throw new Error('not a descriptor')
  }
  return found
}

const texts = (fields: readonly Field[], number: number): string[] =>
  fields.flatMap(({ number: n, value }) => (n === number && typeof value !== 'number' ? [value.toString()] : []))
const messages = (fields: readonly Field[], number: number): Field[][] =>
  fields.flatMap(({ number: n, value }) => (n === number && typeof value !== 'number' ? [fieldsOf(value)] : []))

interface MessageField {
  readonly name: string
  readonly number: number
  /** The full name of the message that it holds; empty for anything else. */
  readonly type: string
}

/** Messages by full name (`.k8s.io.api.core.v1.Pod`). */
const allMessages = new Map<string, readonly MessageField[]>()

const readDescriptor = (bytes: Buffer): void => {
  const file = fieldsOf(bytes)
  const [source = '', name = ''] = [texts(file, 1)[0], texts(file, 2)[0]]
  if (!source.endsWith('.proto')) return
  for (const message of messages(file, 4))
    allMessages.set(
      `.${name}.${texts(message, 1)[0]}`,
      messages(message, 2).map((field) => ({
        name: texts(field, 1)[0] ?? '',
        number: Number(field.find(({ number }) => number === 3)?.value ?? 0),
        type: texts(field, 6)[0] ?? '',
      })),
    )
}

const bytes = readFileSync(program)
const gzip = Buffer.from([0x1f, 0x8b, 8])
for (let at = bytes.indexOf(gzip); at >= 0; at = bytes.indexOf(gzip, at + 1))
  try {
    // What follows the compressed part is not ours to know: the end is found by whoever unpacks.
    readDescriptor(gunzipSync(bytes.subarray(at, at + 400_000), { finishFlush: constants.Z_SYNC_FLUSH }))
  } catch {
    // Most such bytes are no descriptor.
  }

/** Where a type is looked for; of several, the one with most of its fields. */
const packages = ['apimachinery.pkg.apis.meta', 'api.core', 'api.apps', 'api.coordination', 'api.discovery']
  .concat(['api.networking', 'api.policy', 'api.authentication', 'api.autoscaling', 'api.certificates'])
  .map((name) => `.k8s.io.${name}.v1.`)
const renamedTypes: Readonly<Record<string, string>> = {
  DiscoveryEndpointPort: '.k8s.io.api.discovery.v1.EndpointPort',
}
const renamedFields: Readonly<Record<string, string>> = { aPIGroup: 'apiGroup' }

const schema = join(import.meta.dirname, '../src/control/schema')
const types: Readonly<Record<string, object>> = JSON.parse(readFileSync(join(schema, 'types.json'), 'utf8'))

const find = (type: string): readonly MessageField[] | undefined => {
  const renamed = renamedTypes[type]
  if (renamed) return allMessages.get(renamed)
  const known = new Set(Object.keys(types[type] ?? {}))
  const hits = (fields: readonly MessageField[]): number => fields.filter(({ name }) => known.has(name)).length
  return packages
    .flatMap((name) => [allMessages.get(`${name}${type}`) ?? []])
    .filter((fields) => fields.length > 0)
    .reduce<readonly MessageField[] | undefined>(
      (best, fields) => (best === undefined || hits(fields) > hits(best) ? fields : best),
      undefined,
    )
}

const rows = Object.keys(types).flatMap((type): string[] => {
  const fields = find(type)
  if (!fields) {
    console.error(`no message of this program is ${type}: left out`)
    return []
  }
  const known = new Set(Object.keys(types[type] ?? {}))
  const row = fields.flatMap(({ name: protoName, number, type: inner }): [string, unknown][] => {
    const name = renamedFields[protoName] ?? protoName
    if (known.has(name)) return [[name, number]]
    const hidden = (allMessages.get(inner) ?? []).filter((field) => known.has(field.name))
    return inner === '' ? [] : [[`@${number}`, Object.fromEntries(hidden.map((field) => [field.name, field.number]))]]
  })
  return [`  ${JSON.stringify(type)}: ${JSON.stringify(Object.fromEntries(row))}`]
})
writeFileSync(join(schema, 'field-numbers.json'), `{\n${rows.join(',\n')}\n}\n`)
