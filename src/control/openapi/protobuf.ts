/** Writes protobuf messages (proto3 wire format): just the field kinds that the OpenAPI v2 document needs. */

/** A number that is not an integer to protobuf. */
export interface Double {
  readonly double: number
}

export const double = (value: number): Double => ({ double: value })

/** A field of a message: number, then text, flag, integer, double, or the bytes of an inner message. */
export type Field = readonly [number: number, value: string | boolean | number | Double | Uint8Array | undefined]

const varint = (value: number): number[] => {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest & 127) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return bytes
}

const [fixed64, lengthDelimited] = [1, 2] as const

const fixedBytes = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

const nothing: readonly Uint8Array[] = []

/** In pieces, so that only whole messages are copied. */
const encodeField = ([number, value]: Field): readonly Uint8Array[] => {
  if (value === undefined || value === false || value === '' || value === 0) return nothing
  if (value === true) return [Uint8Array.from([...varint(number << 3), 1])]
  if (typeof value === 'number') return [Uint8Array.from([...varint(number << 3), ...varint(value)])]
  if (typeof value === 'object' && 'double' in value)
    return [Uint8Array.from(varint((number << 3) | fixed64)), fixedBytes(value.double)]
  const content = typeof value === 'string' ? Buffer.from(value) : value
  return [Uint8Array.from([...varint((number << 3) | lengthDelimited), ...varint(content.length)]), content]
}

/** The bytes of one message. Undefined, false and empty text are left out, as proto3 does. */
export const message = (...fields: readonly Field[]): Uint8Array => Buffer.concat(fields.flatMap(encodeField))
