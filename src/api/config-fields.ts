/** The fields of a configuration file, each read for what it has to be. All throw an Error that names the field. */
import { isJsonObject, type JsonObject } from './json.ts'

export const checkFields = (object: JsonObject, known: readonly string[], where: string): void => {
  const unknown = Object.keys(object).find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`${where}: unknown field ${JSON.stringify(unknown)}`)
}

export const textsOf = (object: JsonObject, name: string, where: string): readonly string[] => {
  const value = object[name] ?? []
  if (!Array.isArray(value) || value.some((each) => typeof each !== 'string'))
    throw new Error(`${where}.${name}: is no list of strings`)
  return value
}

export const listOf = (object: JsonObject, name: string, where: string): readonly JsonObject[] => {
  const value = object[name] ?? []
  if (!Array.isArray(value) || !value.every(isJsonObject)) throw new Error(`${where}.${name}: is no list of objects`)
  return value
}

export const flagOf = (object: JsonObject, name: string, where: string): boolean | undefined => {
  const value = object[name]
  if (value !== undefined && typeof value !== 'boolean') throw new Error(`${where}.${name}: is not true or false`)
  return value
}

export const textOf = (object: JsonObject, name: string, where: string): string | undefined => {
  const value = object[name]
  if (value !== undefined && typeof value !== 'string') throw new Error(`${where}.${name}: is not a string`)
  return value
}

export const objectOf = (object: JsonObject, name: string, where: string): JsonObject | undefined => {
  const value = object[name]
  if (value !== undefined && !isJsonObject(value)) throw new Error(`${where}.${name}: is no object`)
  return value
}

export const wholeNumberOf = (
  object: JsonObject,
  name: string,
  where: string,
  [least, most]: readonly [number, number],
): number | undefined => {
  const value = object[name]
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    throw new Error(`${where}.${name}: is no whole number from ${least} to ${most}`)
  return value
}
