/**
 * Volumes that are files which the node writes: projected ones, and those of a Secret, a ConfigMap or the downward API. What
 * the API says of them is read here, once. Pure.
 */
import { posix } from 'node:path'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { Pod } from '../../api/types/index.ts'

/** A key of the source and the file that it becomes; its mode, unless it has that of the volume. */
export interface Item {
  readonly key: string
  readonly path: string
  readonly mode?: number
}

export interface DownwardItem {
  readonly path: string
  readonly mode?: number
  readonly fieldPath?: string
  readonly resource?: { readonly containerName: string; readonly resource: string; readonly divisor: string }
}

export type Source =
  | { readonly kind: 'token'; readonly path: string; readonly audience: string; readonly seconds: number }
  | {
      readonly kind: 'configmap' | 'secret'
      readonly name: string
      /** All keys, when missing. */
      readonly items?: readonly Item[]
      readonly optional: boolean
    }
  | { readonly kind: 'downward'; readonly items: readonly DownwardItem[] }

export interface FileVolume {
  readonly name: string
  readonly mode: number
  readonly sources: readonly Source[]
}

/** Where pods see a volume. */
export interface VolumeMount {
  readonly volume: string
  readonly path: string
}

const defaultMode = 0o644
const defaultTokenSeconds = 3600

const textIn = (value: JsonObject, field: string): string => {
  const found = value[field]
  return typeof found === 'string' ? found : ''
}

const listIn = (value: JsonObject, field: string): readonly JsonObject[] | undefined => {
  const found = value[field]
  return Array.isArray(found) ? found.filter(isJsonObject) : undefined
}

const modeOf = (value: JsonObject, field: string): { readonly mode?: number } => {
  const mode = value[field]
  return typeof mode === 'number' ? { mode: mode & 0o777 } : {}
}

const itemsOf = (value: JsonObject): { readonly items?: readonly Item[] } => {
  const items = listIn(value, 'items')
  if (!items || items.length === 0) return {}
  return {
    items: items.map((item) => ({
      ...{ key: textIn(item, 'key'), path: textIn(item, 'path') },
      ...modeOf(item, 'mode'),
    })),
  }
}

const dataSource = (kind: 'configmap' | 'secret', value: JsonObject, nameField: string): Source => ({
  ...{ kind, name: textIn(value, nameField), optional: value['optional'] === true },
  ...itemsOf(value),
})

const downwardSource = (value: JsonObject): Source => ({
  kind: 'downward',
  items: (listIn(value, 'items') ?? []).map((item) => {
    const { fieldRef, resourceFieldRef: resource } = item
    return {
      ...{ path: textIn(item, 'path'), ...modeOf(item, 'mode') },
      ...(isJsonObject(fieldRef) ? { fieldPath: textIn(fieldRef, 'fieldPath') } : {}),
      ...(isJsonObject(resource)
        ? {
            resource: {
              ...{ containerName: textIn(resource, 'containerName'), resource: textIn(resource, 'resource') },
              divisor: textIn(resource, 'divisor') || '1',
            },
          }
        : {}),
    }
  }),
})

const tokenSource = (value: JsonObject): Source => {
  const seconds = value['expirationSeconds']
  return {
    ...{ kind: 'token', path: textIn(value, 'path'), audience: textIn(value, 'audience') },
    seconds: typeof seconds === 'number' ? seconds : defaultTokenSeconds,
  }
}

/** By the field of a projection. */
const projections: Readonly<Record<string, (value: JsonObject) => Source>> = {
  serviceAccountToken: tokenSource,
  configMap: (value) => dataSource('configmap', value, 'name'),
  secret: (value) => dataSource('secret', value, 'name'),
  downwardAPI: downwardSource,
}

/** By the field of a volume. */
const single: Readonly<Record<string, (value: JsonObject) => Source>> = {
  configMap: (value) => dataSource('configmap', value, 'name'),
  secret: (value) => dataSource('secret', value, 'secretName'),
  downwardAPI: downwardSource,
}

/** Undefined for a projection that is not known. */
const projected = (value: JsonObject): readonly Source[] | undefined => {
  const sources = (listIn(value, 'sources') ?? []).map((projection) => {
    const [field, ...more] = Object.keys(projection)
    const read = field !== undefined && Object.hasOwn(projections, field) ? projections[field] : undefined
    const given = field === undefined ? undefined : projection[field]
    return read && more.length === 0 && isJsonObject(given) ? read(given) : undefined
  })
  return sources.every((source) => source !== undefined) ? sources : undefined
}

const sourcesOf = (
  volume: JsonObject,
): { readonly of: JsonObject; readonly sources: readonly Source[] } | undefined => {
  const { projected: projection } = volume
  if (isJsonObject(projection)) {
    const sources = projected(projection)
    return sources && { of: projection, sources }
  }
  for (const [field, read] of Object.entries(single)) {
    const of = volume[field]
    if (isJsonObject(of)) return { of, sources: [read(of)] }
  }
  return undefined
}

/** Undefined for a volume of another kind. */
export const fileVolume = (volume: object): FileVolume | undefined => {
  if (!isJsonObject(volume)) return undefined
  const name = textIn(volume, 'name')
  // It becomes the name of a folder.
  const found = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name) ? sourcesOf(volume) : undefined
  return found && { name, mode: defaultMode, ...modeOf(found.of, 'defaultMode'), sources: found.sources }
}

export const fileVolumesOf = ({ spec }: Pod): readonly FileVolume[] =>
  (spec.volumes ?? []).flatMap((volume) => fileVolume(volume) ?? [])

/** The path of a mount; undefined for one that cannot be served: a part of a volume, or no place for a folder. */
const pathOf = (mount: JsonObject): string | undefined => {
  const path = textIn(mount, 'mountPath')
  const isWhole = ['subPath', 'subPathExpr', 'mountPropagation'].every((field) =>
    ['', 'None'].includes(textIn(mount, field)),
  )
  const isPath = path.startsWith('/') && !/[\0\n]/.test(path) && !path.split('/').includes('..')
  const clean = posix.normalize(path).replace(/(?<=.)\/$/, '')
  return isWhole && isPath && clean !== '/' ? clean : undefined
}

export interface Mounts {
  readonly served: readonly VolumeMount[]
  /** `spec.containers[0].volumeMounts` */
  readonly unserved: readonly string[]
}

/** All containers of a pod see the same files: two volumes cannot be at one place. */
export const mountsOf = (pod: Pod): Mounts => {
  const volumes = new Set(fileVolumesOf(pod).map(({ name }) => name))
  const places = new Map<string, string>()
  const unserved = new Set<string>()
  for (const list of ['initContainers', 'containers'] as const)
    for (const [at, { volumeMounts = [] }] of (pod.spec[list] ?? []).entries())
      for (const mount of volumeMounts) {
        const path = isJsonObject(mount) ? pathOf(mount) : undefined
        const isFree = path !== undefined && [undefined, mount.name].includes(places.get(path))
        if (isFree && volumes.has(mount.name)) places.set(path, mount.name)
        else unserved.add(`spec.${list}[${at}].volumeMounts`)
      }
  return { served: [...places].map(([path, volume]) => ({ volume, path })), unserved: [...unserved] }
}

/** The ConfigMaps and Secrets that the volumes are made of. */
export const volumeConfigNames = (
  pod: Pod,
): { readonly configMaps: readonly string[]; readonly secrets: readonly string[] } => {
  const sources = fileVolumesOf(pod).flatMap((volume) => volume.sources)
  const named = (kind: 'configmap' | 'secret') =>
    [...new Set(sources.flatMap((source) => (source.kind === kind ? source.name : [])))].filter(Boolean).sort()
  return { configMaps: named('configmap'), secrets: named('secret') }
}
