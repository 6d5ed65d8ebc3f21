/**
 * What a version cannot say goes along in annotations, under the names and in the shape of Kubernetes, so that whoever
 * reads an object in one version and writes it back loses nothing of another. They are part of what is shown, never of what
 * is kept; their texts are a client's, and decoded as its bodies are: what is no such value is dropped.
 */

import { ApiError } from '../../../api/errors.ts'
import { parseJson } from '../../../api/json.ts'
import type { KubeObject, ObjectMeta } from '../../../api/types/index.ts'
import { decode } from '../../schema/decode.ts'

const prefix = 'autoscaling.alpha.kubernetes.io/'
const names = ['metrics', 'current-metrics', 'conditions', 'behavior'] as const
export type CarriedName = (typeof names)[number]
export type Carried = Readonly<Partial<Record<CarriedName, unknown>>>

const isCarried = (annotation: string): boolean => names.some((name) => annotation === `${prefix}${name}`)

/** Metadata without any of them. */
export const withoutCarried = (metadata: ObjectMeta): ObjectMeta => {
  const { annotations, ...rest } = metadata
  if (!annotations || !Object.keys(annotations).some(isCarried)) return metadata
  const kept = Object.entries(annotations).filter(([name]) => !isCarried(name))
  return kept.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(kept) }
}

const has = (value: unknown): boolean => value !== undefined && !(Array.isArray(value) && value.length === 0)

/** Metadata with what is to go along, in place of whatever went before. */
export const withCarried = (metadata: ObjectMeta, carried: Carried): ObjectMeta => {
  const clean = withoutCarried(metadata)
  const entries = names
    .filter((name) => has(carried[name]))
    .map((name) => [`${prefix}${name}`, JSON.stringify(carried[name])] as const)
  return entries.length === 0
    ? clean
    : { ...clean, annotations: { ...clean.annotations, ...Object.fromEntries(entries) } }
}

const parse = (text: string | undefined): unknown => {
  try {
    return text === undefined ? undefined : parseJson(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const decodeAs = (value: unknown, type: string): unknown => {
  try {
    return decode(value, 'HorizontalPodAutoscaler', type).value
  } catch (error) {
    if (error instanceof ApiError) return undefined
    throw error
  }
}

/** What went along under a name, as an object of a type of the schema. */
export const carriedObject = ({ metadata }: KubeObject, name: CarriedName, type: string): unknown => {
  const value = parse(metadata.annotations?.[`${prefix}${name}`])
  return value === undefined ? undefined : decodeAs(withSmallKeys(value), type)
}

const longestList = 1000

/** The same, as a list of them; undefined when one is none. */
export const carriedList = (
  { metadata }: KubeObject,
  name: CarriedName,
  type: string,
): readonly unknown[] | undefined => {
  const value = parse(metadata.annotations?.[`${prefix}${name}`])
  if (!Array.isArray(value) || value.length > longestList) return undefined
  const items = value.map((item) => decodeAs(item, type))
  return items.includes(undefined) ? undefined : items
}

const deepest = 8

/** Behaviours are written under the names that they have in Go. */
const mapKeys = (value: unknown, change: (key: string) => string, depth = 0): unknown => {
  if (depth > deepest) return undefined
  if (Array.isArray(value)) return value.map((item) => mapKeys(item, change, depth + 1))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), mapKeys(item, change, depth + 1)]))
}

const withSmallKeys = (value: unknown): unknown =>
  mapKeys(value, (key) => `${key.charAt(0).toLowerCase()}${key.slice(1)}`)
export const withLargeKeys = (value: unknown): unknown =>
  mapKeys(value, (key) => `${key.charAt(0).toUpperCase()}${key.slice(1)}`)
