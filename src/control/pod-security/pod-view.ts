/** A pod's spec as the Pod Security Standards look at it: fields of any shape, read one by one. Pure. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'

/** What is at a path of fields; undefined where there is nothing. */
export const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((found, field) => (isJsonObject(found) ? found[field] : undefined), value)

export const listAt = (value: unknown, ...path: readonly string[]): readonly JsonObject[] => {
  const found = at(value, ...path)
  return Array.isArray(found) ? found.filter(isJsonObject) : []
}

export interface ContainerView {
  readonly name: string
  readonly container: JsonObject
}

export interface PodSecurityView {
  readonly spec: JsonObject
  readonly annotations: Readonly<Record<string, unknown>>
  /** Init containers, containers and ephemeral ones. */
  readonly containers: readonly ContainerView[]
  readonly isWindows: boolean
}

export const podSecurityView = (metadata: unknown, spec: unknown): PodSecurityView => {
  const whole = isJsonObject(spec) ? spec : {}
  const annotations = at(metadata, 'annotations')
  return {
    spec: whole,
    annotations: isJsonObject(annotations) ? annotations : {},
    containers: ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) =>
      listAt(whole, list).map((container) => ({ name: String(container['name'] ?? ''), container })),
    ),
    isWindows: at(whole, 'os', 'name') === 'windows',
  }
}

export const quoted = (words: readonly string[]): string => words.map((word) => JSON.stringify(word)).join(', ')

export const plural = (word: string, count: number): string => (count === 1 ? word : `${word}s`)

/** `container "a"` or `containers "a", "b"`. */
export const named = (what: string, names: readonly string[]): string =>
  `${plural(what, names.length)} ${quoted(names)}`

/** Sorted, each once. */
export const distinct = (words: readonly string[]): readonly string[] => [...new Set(words)].sort()
