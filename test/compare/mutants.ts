/**
 * An object and what somebody might send in its place: at every path of it, a value of another type, an empty one, a
 * missing one, an extreme one. Pure and the same each time, so that two servers can be asked the same questions.
 */

export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value }

export interface Mutant {
  /** Where and what: `spec.ports[0].port = "text"`. */
  readonly name: string
  readonly object: Value
}

const isRecord = (value: Value | undefined): value is { readonly [key: string]: Value } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

type Change = readonly [what: string, change: (value: Value) => Value | undefined]

/** What may stand in any place. */
const anywhere: readonly Change[] = [
  ['missing', () => undefined],
  ['null', () => null],
  ['{}', () => ({})],
  ['[]', () => []],
  ['true', () => true],
  ['""', () => ''],
  ['0', () => 0],
]

const numbers: readonly Change[] = [
  ['-1', () => -1],
  ['1.5', () => 1.5],
  ['70000', () => 70_000],
  ['3000000000', () => 3_000_000_000],
  ['"7"', () => '7'],
]

const texts: readonly Change[] = [
  ['"Not a Name!"', () => 'Not a Name!'],
  ['"-a"', () => '-a'],
  ['long', () => 'a'.repeat(300)],
  ['in upper case', (value) => String(value).toUpperCase()],
  ['with a line break', (value) => `${value}\nb`],
  ['7', () => 7],
]

const lists: readonly Change[] = [
  ['[null]', () => [null]],
  ['[{}]', () => [{}]],
  ['["a"]', () => ['a']],
  ['twice', (value) => (Array.isArray(value) ? [...value, ...value] : value)],
]

const records: readonly Change[] = [
  ['with an unknown field', (value) => (isRecord(value) ? { ...value, unknownField: 'a' } : value)],
  ['with a null', (value) => (isRecord(value) ? { ...value, unknownField: null } : value)],
]

const changesOf = (value: Value): readonly Change[] => {
  if (Array.isArray(value)) return [...anywhere, ...lists]
  if (isRecord(value)) return [...anywhere, ...records]
  if (typeof value === 'number') return [...anywhere, ...numbers]
  if (typeof value === 'string') return [...anywhere, ...texts]
  return anywhere
}

/** The object with the value at a path replaced; undefined takes it away. */
const replaceAt = (object: Value, path: readonly (string | number)[], change: Change[1]): Value | undefined => {
  const [first, ...rest] = path
  if (first === undefined) return change(object)
  if (Array.isArray(object))
    return object.flatMap((item, at): readonly Value[] => {
      if (at !== first) return [item]
      const next = replaceAt(item, rest, change)
      return next === undefined ? [] : [next]
    })
  if (!isRecord(object)) return object
  const next = replaceAt(object[first] ?? null, rest, change)
  const others = Object.entries(object)
  return Object.fromEntries(
    others.flatMap(([key, value]) => (key === first ? (next === undefined ? [] : [[key, next]]) : [[key, value]])),
  )
}

type Path = readonly (string | number)[]

/** Every path of a value, outer ones first. */
export const pathsIn = (value: Value, path: Path = []): readonly Path[] => {
  const below = Array.isArray(value)
    ? value.flatMap((item, at) => pathsIn(item, [...path, at]))
    : isRecord(value)
      ? Object.entries(value).flatMap(([key, item]) => pathsIn(item, [...path, key]))
      : []
  return path.length === 0 ? below : [path, ...below]
}

export const pathText = (path: Path): string =>
  path.map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`)).join('')

/** What says where the object belongs is the question's address, not its content. */
const isAddress = (path: Path): boolean =>
  ['apiVersion', 'kind', 'metadata.namespace'].includes(pathText(path)) || path.length === 0

/** Every change at every path, but for its address. */
export const mutantsOf = (object: Value): readonly Mutant[] =>
  pathsIn(object)
    .filter((path) => !isAddress(path))
    .flatMap((path) => {
      let value: Value | undefined
      replaceAt(object, path, (found) => {
        value = found
        return found
      })
      return changesOf(value ?? null).flatMap(([what, change]): readonly Mutant[] => {
        const changed = replaceAt(object, path, change)
        return changed === undefined || JSON.stringify(changed) === JSON.stringify(object)
          ? []
          : [{ name: `${pathText(path)} ${what}`, object: changed }]
      })
    })
