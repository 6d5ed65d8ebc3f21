/**
 * JSON from programs in Go, read as their encoding/json reads it: names of fields match without regard to case (the last of
 * several counts), null and what is missing are the zero value, and a value of another type is an error. Objects of the
 * Kubernetes API are not read so: its own decoders tell cases apart.
 */

import { isJsonObject } from './json.ts'
/** What a value is read into; `where` is its place, for errors. */
export interface GoType<T> {
  readonly zero: T
  readonly read: (value: unknown, where: string) => T
}

/** The text is no JSON, or a value is not of its type. */
export class GoJsonError extends Error {
  override readonly name: string = 'GoJsonError'
}

/** A value in a closed struct that has no field for it. */
export class UnknownFieldError extends GoJsonError {
  override readonly name = 'UnknownFieldError'
}

const shown = (value: unknown): string => JSON.stringify(value).slice(0, 100)

const mismatch = (where: string, expected: string, value: unknown): never => {
  throw new GoJsonError(`${where}: expected ${expected}, got ${shown(value)}`)
}

const scalar = <T>(expected: string, zero: T, accepts: (value: unknown) => value is T): GoType<T> => ({
  zero,
  read: (value, where) => (accepts(value) ? value : mismatch(where, expected, value)),
})

export const goString = scalar('a string', '', (value) => typeof value === 'string')
export const goBoolean = scalar('a boolean', false, (value) => typeof value === 'boolean')

/** Whatever it is, for a field that somebody else reads. */
export const goAny: GoType<unknown> = { zero: undefined, read: (value) => value }

/** A whole number within these bounds. */
export const goInteger = (least: number, most: number): GoType<number> =>
  scalar(
    `an integer from ${least} to ${most}`,
    0,
    (value): value is number => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
  )

/** As this type, with another value for what is missing. */
export const orElse = <T, Missing>({ read }: GoType<T>, zero: Missing): GoType<T | Missing> => ({ read, zero })

const readOr = <T>({ zero, read }: GoType<T>, value: unknown, where: string): T =>
  value === null || value === undefined ? zero : read(value, where)

export const goList = <T>(item: GoType<T>): GoType<readonly T[]> => ({
  zero: [],
  read: (value, where) =>
    Array.isArray(value)
      ? value.map((each, at) => readOr(item, each, `${where}[${at}]`))
      : mismatch(where, 'a list', value),
})

/** What a type reads. */
export type GoValue<Type> = Type extends GoType<infer T> ? T : never

type Fields = Readonly<Record<string, GoType<unknown>>>
export type GoStruct<F extends Fields> = { readonly [Name in keyof F]: GoValue<F[Name]> }

/** As a struct's zero value would be written: it wishes for nothing. */
const isZero = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.length === 0
  if (isJsonObject(value)) return Object.values(value).every(isZero)
  return value === null || value === '' || value === 0 || value === false
}

/** Names of fields are ASCII. Of other letters, Unicode's case folding takes two for one of those: the Kelvin sign, and long s. */
const folded = (name: string): string => name.toLowerCase().replaceAll('\u017f', 's')

const placeIn = (where: string, name: string): string => (where === '' ? name : `${where}.${name}`)

/**
 * A struct with these fields. A closed one throws `UnknownFieldError` for any other field that says something; an open one
 * leaves it out, as Go does.
 */
export const goStruct = <F extends Fields>(kind: 'open' | 'closed', fields: F): GoType<GoStruct<F>> => {
  const names = new Map(Object.keys(fields).map((name) => [folded(name), name]))
  const complete = (known: ReadonlyMap<string, unknown>): GoStruct<F> =>
    // Each field has been read by its own type.
    Object.fromEntries(
      Object.entries(fields).map(([name, { zero }]) => [name, known.has(name) ? known.get(name) : zero]),
    ) as GoStruct<F>
  return {
    zero: complete(new Map()),
    read: (value, where) => {
      if (!isJsonObject(value)) return mismatch(where === '' ? 'the whole' : where, 'an object', value)
      const known = new Map<string, unknown>()
      for (const [key, given] of Object.entries(value)) {
        const name = names.get(folded(key))
        const type = name === undefined ? undefined : fields[name]
        if (name !== undefined && type) {
          // Null leaves a field as it was.
          if (given !== null) known.set(name, type.read(given, placeIn(where, key)))
        } else if (kind === 'closed' && !isZero(given))
          throw new UnknownFieldError(`unsupported field ${placeIn(where, key)}: ${shown(given)}`)
      }
      return complete(known)
    },
  }
}

/** Throws `GoJsonError`. */
export const readGoJson = <T>(text: string, type: GoType<T>): T => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw new GoJsonError('no JSON')
    throw error
  }
  return readOr(type, value, '')
}
