/** What stands in the files of a volume. Pure. */
import { posix } from 'node:path'
import { allContainers } from '../../api/pods.ts'
import type { ConfigMap, Pod, Secret, StringMap } from '../../api/types/index.ts'
import { type NodeFacts, resourceValue } from '../env/field-ref.ts'
import type { DataSource, DownwardItem, FileSource, FileVolume, Item, TokenSource } from './file-source.ts'

export interface VolumeFile {
  readonly content: Buffer
  readonly mode: number
}

export interface VolumeInput {
  readonly pod: Pod
  readonly allocatable: NodeFacts['allocatable']
  /** One that is missing here does not exist. */
  readonly configMaps: ReadonlyMap<string, ConfigMap>
  readonly secrets: ReadonlyMap<string, Secret>
  readonly tokenOf: (source: TokenSource) => string
}

/** A path below the volume. */
const checkPath = (path: string): string => {
  const parts = path.split('/')
  const isBelow = path !== '' && !posix.isAbsolute(path) && !/[\0\n]/.test(path)
  if (!isBelow || parts.some((part) => part === '..' || part === '') || path.startsWith('..'))
    throw new Error(`${JSON.stringify(path)} is no path in a volume`)
  return path
}

type Data = ReadonlyMap<string, Buffer>

const decoded = (values: StringMap | undefined, encoding: 'utf8' | 'base64'): readonly (readonly [string, Buffer])[] =>
  Object.entries(values ?? {}).map(([key, value]) => [key, Buffer.from(value, encoding)])

const dataOf = ({ kind, name }: DataSource, input: VolumeInput): Data | undefined => {
  if (kind === 'secret') {
    const secret = input.secrets.get(name)
    return secret && new Map(decoded(secret.data, 'base64'))
  }
  const config = input.configMaps.get(name)
  return config && new Map([...decoded(config.data, 'utf8'), ...decoded(config.binaryData, 'base64')])
}

type NamedFile = readonly [path: string, file: VolumeFile]

const fromData = (source: DataSource, volume: FileVolume, input: VolumeInput): readonly NamedFile[] => {
  const data = dataOf(source, input)
  if (!data) {
    if (source.optional) return []
    throw new Error(`${source.kind} "${source.name}" not found`)
  }
  const items: readonly Item[] = source.items ?? [...data.keys()].map((key) => ({ key, path: key }))
  return items.flatMap(({ key, path, mode = volume.mode }): readonly NamedFile[] => {
    const content = data.get(key)
    if (content) return [[path, { content, mode }]]
    if (source.optional) return []
    throw new Error(`references non-existent ${source.kind === 'secret' ? 'secret' : 'config'} key: ${key}`)
  })
}

/** As the kubelet writes maps. */
const lines = (values: StringMap | undefined): string =>
  Object.entries(values ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n')

const fieldText = ({ metadata }: Pod, path: string): string => {
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (keyed) return metadata[keyed[1] === 'labels' ? 'labels' : 'annotations']?.[keyed[2] ?? ''] ?? ''
  switch (path) {
    case 'metadata.name':
      return metadata.name
    case 'metadata.namespace':
      return metadata.namespace ?? ''
    case 'metadata.uid':
      return metadata.uid ?? ''
    case 'metadata.labels':
      return lines(metadata.labels)
    case 'metadata.annotations':
      return lines(metadata.annotations)
    default:
      throw new Error(`unsupported fieldPath: ${path}`)
  }
}

const downwardText = ({ fieldPath, resource }: DownwardItem, { pod, allocatable }: VolumeInput): string => {
  if (fieldPath !== undefined) return fieldText(pod, fieldPath)
  const container = allContainers(pod).find(({ name }) => name === resource?.containerName)
  const facts = { podIPs: [], hostIPs: [], allocatable }
  const value = container && resource && resourceValue(container, facts, resource.resource, resource.divisor)
  if (value === undefined)
    throw new Error(`unsupported container resource: ${resource?.containerName} ${resource?.resource}`)
  return value
}

const filesOf = (source: FileSource, volume: FileVolume, input: VolumeInput): readonly NamedFile[] => {
  switch (source.kind) {
    case 'token':
      return [[source.path, { content: Buffer.from(input.tokenOf(source)), mode: volume.mode }]]
    case 'downward':
      return source.items.map((item) => [
        item.path,
        { content: Buffer.from(downwardText(item, input)), mode: item.mode ?? volume.mode },
      ])
    default:
      return fromData(source, volume, input)
  }
}

/** By path below the volume; of two at one path the later one counts. Throws an Error that says what is missing. */
export const volumeFiles = (volume: FileVolume, input: VolumeInput): ReadonlyMap<string, VolumeFile> =>
  new Map(
    volume.sources
      .flatMap((source) => filesOf(source, volume, input))
      .map(([path, file]) => [checkPath(path), file] as const),
  )
