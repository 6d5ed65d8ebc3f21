/** The volumes that are files which the node writes: what the API says of them is read here, once. Pure. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { Pod } from '../../api/types/index.ts'
import { configMapSource } from './config-map.ts'
import { downwardSource } from './downward-api.ts'
import { modeIn } from './fields.ts'
import type { FileSource, FileVolume } from './file-source.ts'
import { projectedSources } from './projected.ts'
import { secretSource } from './secret.ts'

const defaultMode = 0o644

/** By the field of a volume. */
const kinds: Readonly<Record<string, (value: JsonObject) => readonly FileSource[]>> = {
  configMap: (value) => [configMapSource(value)],
  secret: (value) => [secretSource(value)],
  downwardAPI: (value) => [downwardSource(value)],
  projected: projectedSources,
}

export const fileVolumeKinds: readonly string[] = Object.keys(kinds)

/** Throws an Error for what no volume of this kind can be. */
export const fileVolume = (name: string, kind: string, value: JsonObject): FileVolume => {
  const read = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (!read) throw new Error(`${kind} is no kind of volumes of files`)
  return { name, mode: defaultMode, ...modeIn(value, 'defaultMode'), sources: read(value) }
}

/** What cannot be read says so when it is made. */
const sourcesIn = (volume: unknown): readonly FileSource[] =>
  Object.entries(isJsonObject(volume) ? volume : {}).flatMap(([kind, value]) => {
    if (!fileVolumeKinds.includes(kind) || !isJsonObject(value)) return []
    try {
      return fileVolume('', kind, value).sources
    } catch {
      return []
    }
  })

/** The ConfigMaps and Secrets that the volumes are made of. */
export const volumeConfigNames = (
  pod: Pod,
): { readonly configMaps: readonly string[]; readonly secrets: readonly string[] } => {
  const sources = (pod.spec.volumes ?? []).flatMap(sourcesIn)
  const named = (kind: 'configmap' | 'secret') =>
    [...new Set(sources.flatMap((source) => (source.kind === kind ? source.name : [])))].filter(Boolean).sort()
  return { configMaps: named('configmap'), secrets: named('secret') }
}
