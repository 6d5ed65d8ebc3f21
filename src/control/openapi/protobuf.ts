/** Writes protobuf messages (proto3 wire format): just the field kinds that the OpenAPI v2 document needs. */

/** A field of a message: number, then text, flag, or the bytes of an inner message. */
export type Field = readonly [number: number, value: string | boolean | Uint8Array | undefined]

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

const lengthDelimited = 2

const encodeField = ([number, value]: Field): Uint8Array => {
  if (value === undefined || value === false || value === '') return new Uint8Array()
  if (value === true) return Uint8Array.from([...varint(number << 3), 1])
  const content = typeof value === 'string' ? new TextEncoder().encode(value) : value
  return Buffer.concat([
    Uint8Array.from([...varint((number << 3) | lengthDelimited), ...varint(content.length)]),
    content,
  ])
}

/** The bytes of one message. Undefined, false and empty text are left out, as proto3 does. */
export const message = (...fields: readonly Field[]): Uint8Array => Buffer.concat(fields.map(encodeField))
