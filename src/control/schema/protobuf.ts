/**
 * Objects in Kubernetes' protobuf, read into the same JSON values as everything else. Which number a field has is in the
 * schema; the fields of a message that JSON does not show stand in the object around it. A field of a number that we do not know is skipped, as every reader of protobuf does: clients newer
 * than we are, and those so old that their field is gone, send some. Bytes that are no message are refused.
 */

import { badRequest } from '../../api/errors.ts'
import { type Integer, integerFrom, parseJson } from '../../api/json.ts'
import { checkJson, createMemberCount } from './bounds.ts'
import { type Field, type FieldType, fieldsOf, type Scalar, typeNamed } from './types.ts'

/** The fields of a message by number; under the number of a message that JSON does not show, its fields by theirs. */
interface Numbered {
  readonly fields: ReadonlyMap<number, readonly [name: string, field: Field]>
  readonly hidden: ReadonlyMap<number, Numbered>
}

const numberedBy = (
  fields: readonly (readonly [numbers: readonly number[], name: string, field: Field])[],
): Numbered => {
  const own = fields.flatMap(([numbers, name, field]) => {
    const [number, ...inner] = numbers
    return number === undefined || inner.length > 0 ? [] : [[number, [name, field]] as const]
  })
  const outer = new Set(fields.flatMap(([numbers]) => (numbers.length > 1 ? numbers.slice(0, 1) : [])))
  const inside = (number: number): Numbered =>
    numberedBy(
      fields.flatMap(([numbers, ...rest]) =>
        numbers.length > 1 && numbers[0] === number ? [[numbers.slice(1), ...rest] as const] : [],
      ),
    )
  return { fields: new Map(own), hidden: new Map([...outer].map((number) => [number, inside(number)])) }
}

const known = new Map<string, Numbered>()

const numbersOf = (type: string): Numbered => {
  const found = known.get(type) ?? numberedBy([...fieldsOf(type)].map(([name, field]) => [field.numbers, name, field]))
  known.set(type, found)
  return found
}

/** A field as it stands in the bytes: a number, or what follows a length. */
interface Raw {
  readonly number: number
  readonly value: bigint | Buffer
}

const malformed = (what: string) => badRequest(`protobuf: ${what}`)

const readVarint = (bytes: Buffer, start: number): { readonly value: bigint; readonly end: number } => {
  let value = 0n
  for (let at = start, shift = 0n; at < bytes.length && shift < 70n; at++, shift += 7n) {
    const byte = bytes[at] ?? 0
    value |= BigInt(byte & 127) << shift
    if (byte < 128) return { value, end: at + 1 }
  }
  throw malformed('a number is cut off')
}

/** A field's number and kind, or a length: never more than a body has bytes, or it is cut off. */
const readSmall = (bytes: Buffer, start: number): { readonly value: number; readonly end: number } => {
  const byte = bytes[start] ?? 128
  if (byte < 128) return { value: byte, end: start + 1 }
  const { value, end } = readVarint(bytes, start)
  return { value: Number(value), end }
}

const fixedBytes: Readonly<Record<number, number>> = { 1: 8, 5: 4 }

/** Told of every field that is read, of whatever message; throws when there are too many. */
type Count = () => void

const [startOfGroup, endOfGroup] = [3, 4]

/** The fields of a message, in their order. Groups, which no message of Kubernetes has, are skipped. */
function* rawFields(bytes: Buffer, count: Count): Generator<Raw> {
  /** The numbers of the groups around this place. */
  const groups: number[] = []
  for (let at = 0; at < bytes.length; ) {
    count()
    const key = readSmall(bytes, at)
    const number = Math.floor(key.value / 8)
    const wireType = key.value % 8
    if (number === 0) throw malformed('a field has the number 0')
    if (wireType === startOfGroup) {
      groups.push(number)
      at = key.end
    } else if (wireType === endOfGroup) {
      if (groups.pop() !== number) throw malformed(`group ${number} ends without a beginning`)
      at = key.end
    } else if (wireType === 0) {
      const { value, end } = readVarint(bytes, key.end)
      at = end
      if (groups.length === 0) yield { number, value }
    } else {
      const length = wireType === 2 ? readSmall(bytes, key.end) : { value: fixedBytes[wireType] ?? -1, end: key.end }
      const end = length.end + length.value
      if (length.value < 0) throw malformed(`field ${number} has the unknown wire type ${wireType}`)
      if (end > bytes.length) throw malformed('a field is cut off')
      at = end
      if (groups.length === 0) yield { number, value: bytes.subarray(length.end, end) }
    }
  }
  if (groups.length > 0) throw malformed('a group is cut off')
}

const asBytes = ({ value, number }: Raw): Buffer => {
  if (typeof value === 'bigint') throw malformed(`field ${number} is a number, not bytes`)
  return value
}
const asWide = ({ value, number }: Raw): Integer => {
  if (typeof value !== 'bigint') throw malformed(`field ${number} is not a number`)
  return integerFrom(BigInt.asIntN(64, value)) ?? 0
}
const asInteger = (raw: Raw): number => Number(asWide(raw))
const asText = (raw: Raw): string => asBytes(raw).toString('utf8')

/** The last value of each field of a small message. */
const small = (bytes: Buffer, count: Count): ReadonlyMap<number, Raw> =>
  new Map([...rawFields(bytes, count)].map((raw) => [raw.number, raw]))

const integerAt = (fields: ReadonlyMap<number, Raw>, number: number): number => {
  const raw = fields.get(number)
  return raw ? asInteger(raw) : 0
}
const textAt = (fields: ReadonlyMap<number, Raw>, number: number): string => {
  const raw = fields.get(number)
  return raw ? asText(raw) : ''
}

/** Seconds and nanoseconds; nothing at all is no time. */
const readTime = (bytes: Buffer, digits: 0 | 6, count: Count): string | undefined => {
  if (bytes.length === 0) return undefined
  const fields = small(bytes, count)
  const text = new Date(integerAt(fields, 1) * 1000).toISOString().slice(0, 19)
  const fraction = digits === 0 ? '' : `.${String(Math.floor(integerAt(fields, 2) / 1000)).padStart(digits, '0')}`
  return `${text}${fraction}Z`
}

const readIntOrString = (bytes: Buffer, count: Count): number | string => {
  const fields = small(bytes, count)
  return integerAt(fields, 1) === 1 ? textAt(fields, 3) : integerAt(fields, 2)
}

const readAny = (bytes: Buffer, count: Count): unknown => {
  const raw = small(bytes, count).get(1)
  if (raw === undefined || asBytes(raw).length === 0) return undefined
  checkJson(asBytes(raw))
  return parseJson(asText(raw))
}

const scalarReaders: Readonly<Record<Scalar, (raw: Raw, count: Count) => unknown>> = {
  string: asText,
  int32: asInteger,
  int64: asWide,
  number: (raw) => {
    const bytes = asBytes(raw)
    return bytes.length === 8 ? bytes.readDoubleLE() : bytes.readFloatLE()
  },
  boolean: (raw) => asInteger(raw) !== 0,
  time: (raw, count) => readTime(asBytes(raw), 0, count),
  microtime: (raw, count) => readTime(asBytes(raw), 6, count),
  quantity: (raw, count) => textAt(small(asBytes(raw), count), 1),
  intOrString: (raw, count) => readIntOrString(asBytes(raw), count),
  bytes: (raw) => asBytes(raw).toString('base64'),
  any: (raw, count) => readAny(asBytes(raw), count),
}

type Values = Record<string, unknown>

const readValue = (raw: Raw, type: FieldType, count: Count): unknown => {
  switch (type.kind) {
    case 'scalar':
      return scalarReaders[type.scalar](raw, count)
    case 'object':
      return readObject(asBytes(raw), type.type, count)
    default:
      throw malformed(`field ${raw.number} holds a ${type.kind} within a list`)
  }
}

const add = (into: Values, name: string, raw: Raw, { type }: Field, count: Count): void => {
  if (type.kind === 'list') {
    const list = (into[name] ?? []) as unknown[]
    list.push(readValue(raw, type.of, count))
    into[name] = list
  } else if (type.kind === 'map') {
    const entry = small(asBytes(raw), count)
    const value = entry.get(2) ?? { number: 2, value: Buffer.alloc(0) }
    const map = (into[name] ?? Object.create(null)) as Values
    map[textAt(entry, 1)] = readValue(value, type.of, count)
    into[name] = map
  } else {
    // What Go leaves out of JSON is left out when the message is decoded, as with every body.
    into[name] = readValue(raw, type, count)
  }
}

const readMessage = (bytes: Buffer, { fields, hidden }: Numbered, into: Values, count: Count): Values => {
  for (const raw of rawFields(bytes, count)) {
    const inner = hidden.get(raw.number)
    const found = fields.get(raw.number)
    if (inner) readMessage(asBytes(raw), inner, into, count)
    else if (found) add(into, found[0], raw, found[1], count)
  }
  return into
}

const readObject = (bytes: Buffer, type: string, count: Count): Values => readMessage(bytes, numbersOf(type), {}, count)

const magic = Buffer.from('k8s\0')

/**
 * The object in a body of type `application/vnd.kubernetes.protobuf`: four bytes that say so, and a message with the kind
 * and the object's own bytes (apimachinery's runtime.Unknown). Throws BadRequest when it cannot be read,
 * RequestEntityTooLarge when it has too many fields.
 */
export const readProtobuf = (body: Buffer): unknown => {
  if (!body.subarray(0, magic.length).equals(magic)) throw malformed('the body does not begin with "k8s\\0"')
  const count = createMemberCount()
  const envelope = small(body.subarray(magic.length), count)
  const about = small(asBytes(envelope.get(1) ?? { number: 1, value: Buffer.alloc(0) }), count)
  const content = asBytes(envelope.get(2) ?? { number: 2, value: Buffer.alloc(0) })
  const [apiVersion, kind] = [textAt(about, 1), textAt(about, 2)]
  if (kind === '') throw malformed('the body does not say its kind')
  const type = typeNamed(apiVersion, kind)
  if (type === undefined) throw badRequest(`protobuf: ${apiVersion} ${kind} is not known in this format; send JSON`)
  return { apiVersion, kind, ...readObject(content, type, count) }
}
