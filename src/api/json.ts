/** What JSON is made of. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Neither null nor a list. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a double holds exactly is a number; a wider integer is a bigint. */
export type Integer = number | bigint

const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n]

declare global {
  interface JSON {
    /** In the language since 2025, and in no library of types yet. */
    rawJSON(text: string): object
  }
}

/** From the first bigint on, they are written as the numbers that they are. */
const writeBigints = (): void => {
  if (Object.hasOwn(BigInt.prototype, 'toJSON')) return
  const toJSON = function (this: bigint): object {
    return JSON.rawJSON(String(this))
  }
  Object.defineProperty(BigInt.prototype, 'toJSON', { value: toJSON, configurable: true, writable: true })
}

/** An integer of 64 bits; undefined beyond. */
export const integerFrom = (value: bigint): Integer | undefined => {
  if (value < least || value > most) return undefined
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  writeBigints()
  return value
}

/** Integers that a double may not hold have sixteen digits. */
const wideNumber = /(?:^|[[:,\s-])\d{16}/
const integer = /^-?\d{1,19}$/

type Revive = (key: string, value: unknown, context?: { readonly source?: string }) => unknown
const parseWith: (text: string, revive: Revive) => unknown = JSON.parse

/**
 * JSON with its integers of 64 bits as they stand there; wider ones are doubles, as in Kubernetes. Only a text with long
 * numbers is read slowly. Throws SyntaxError.
 */
export const parseJson = (text: string): unknown => {
  if (!wideNumber.test(text)) return JSON.parse(text)
  return parseWith(text, (_key, value, context) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
    const { source = '' } = context ?? {}
    return integer.test(source) ? (integerFrom(BigInt(source)) ?? value) : value
  })
}

/** The fields of all objects in the order of their names: of equal values, the JSON is equal then, too. */
export const sortFields = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sortFields)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sortFields(value[name])]),
  )
}

/** A copy as JSON would make it: what has no value is not there. */
export const copyJson = (value: unknown): unknown => parseJson(JSON.stringify(value))
