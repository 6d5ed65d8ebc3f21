/** Manifests and indexes, as others wrote them: parsed once. Pure. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { type Digest, isDigest } from '../digest.ts'
import { damaged, unsupported } from '../image-error.ts'
import { objectIn } from '../json.ts'
import type { Limits } from '../limits.ts'
import {
  configTypes,
  indexTypes,
  isForeignLayerType,
  isLayerType,
  isOneOf,
  manifestTypes,
  schema1Types,
} from './media-types.ts'
import { type Platform, platformName, suitability } from './platform.ts'

export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly bytes: number
}

export interface Manifest {
  readonly kind: 'manifest'
  readonly config: Descriptor
  /** The lowest first. */
  readonly layers: readonly Descriptor[]
}

export interface IndexEntry extends Descriptor {
  readonly platform: Platform | undefined
  readonly annotations: Readonly<Record<string, string>>
}

export interface Index {
  readonly kind: 'index'
  readonly entries: readonly IndexEntry[]
}

const wrong = (what: string): Error => damaged(`the manifest is malformed: ${what}`)

const descriptorOf = (value: unknown, what: string): Descriptor => {
  if (!isJsonObject(value)) throw wrong(what)
  const { mediaType, digest, size } = value
  if (typeof digest === 'string' && /^sha(?:384|512):/.test(digest))
    throw unsupported(`the image has content that is known by ${digest.slice(0, 6)}: only sha256 is read`)
  if (typeof mediaType !== 'string' || !isDigest(digest) || typeof size !== 'number') throw wrong(what)
  if (!Number.isSafeInteger(size) || size < 0) throw wrong(`${what}: its size`)
  return { mediaType, digest, bytes: size }
}

const text = (of: JsonObject, field: string): string => {
  const value = of[field]
  return typeof value === 'string' ? value : ''
}

const platformOf = (value: unknown): Platform | undefined =>
  isJsonObject(value)
    ? { os: text(value, 'os'), architecture: text(value, 'architecture'), variant: text(value, 'variant') }
    : undefined

const annotationsOf = (value: unknown): Readonly<Record<string, string>> =>
  isJsonObject(value)
    ? Object.fromEntries(
        Object.entries(value).flatMap(([name, said]) => (typeof said === 'string' ? [[name, said]] : [])),
      )
    : {}

const entryOf = (value: unknown): IndexEntry => ({
  ...descriptorOf(value, 'an image of the index'),
  platform: isJsonObject(value) ? platformOf(value['platform']) : undefined,
  annotations: isJsonObject(value) ? annotationsOf(value['annotations']) : {},
})

const entriesLimit = 1_000

const indexOf = (parsed: JsonObject): Index => {
  const { manifests } = parsed
  if (!Array.isArray(manifests)) throw wrong('manifests')
  if (manifests.length > entriesLimit) throw unsupported(`the index has more than ${entriesLimit} images`)
  return { kind: 'index', entries: manifests.map(entryOf) }
}

const layerOf = (value: unknown): Descriptor => {
  const layer = descriptorOf(value, 'a layer')
  if (isForeignLayerType(layer.mediaType))
    throw unsupported('a layer of the image is not in the registry (it is one of Windows)')
  if (!isLayerType(layer.mediaType))
    throw unsupported(
      `a layer of the image is of a kind that is not known (${layer.mediaType.slice(0, 100)}): is it an image?`,
    )
  return layer
}

const manifestOf = (parsed: JsonObject, limits: Pick<Limits, 'layers' | 'configBytes'>): Manifest => {
  const { layers } = parsed
  if (!Array.isArray(layers)) throw wrong('layers')
  if (layers.length > limits.layers)
    throw unsupported(`the image has ${layers.length} layers, and there may be ${limits.layers}`)
  const config = descriptorOf(parsed['config'], 'config')
  if (!isOneOf(configTypes, config.mediaType))
    throw unsupported(`this is no image of containers: its configuration is ${config.mediaType.slice(0, 100)}`)
  if (config.bytes > limits.configBytes)
    throw unsupported(`the configuration of the image has more than ${limits.configBytes} bytes`)
  return { kind: 'manifest', config, layers: layers.map(layerOf) }
}

/** `type`: what whoever sent it calls it; empty: its own words count. Throws `ImageError`. */
export const parseManifest = (
  bytes: Buffer,
  type: string,
  limits: Pick<Limits, 'layers' | 'configBytes'>,
): Manifest | Index => {
  const parsed = objectIn(bytes, wrong)
  if (isOneOf(schema1Types, type) || parsed['schemaVersion'] === 1)
    throw unsupported(
      'the image has a manifest of schema 1, which is not read any more: push it again with a newer tool',
    )
  const own = text(parsed, 'mediaType')
  // One that says two things might be an index to one reader and an image to another (CVE-2021-41190).
  if (Array.isArray(parsed['manifests']) && Array.isArray(parsed['layers']))
    throw wrong('it is an index and an image at once')
  if (own !== '' && type !== '' && own !== type)
    throw wrong(`it calls itself ${own.slice(0, 100)}, and was sent as ${type}`)
  const kind = own === '' ? type : own
  if (isOneOf(indexTypes, kind)) return indexOf(parsed)
  if (isOneOf(manifestTypes, kind)) return manifestOf(parsed, limits)
  if (kind !== '') throw unsupported(`manifests of the kind ${kind.slice(0, 100)} are not read`)
  return Array.isArray(parsed['manifests']) ? indexOf(parsed) : manifestOf(parsed, limits)
}

/** What is beside an image and none itself: attestations have such a platform. */
const isImage = ({ mediaType, platform }: IndexEntry): boolean =>
  (isOneOf(manifestTypes, mediaType) || isOneOf(indexTypes, mediaType)) && platform?.os !== 'unknown'

/** The image for this node. Throws `ImageError` with what there is. */
export const chooseEntry = ({ entries }: Index, node: Platform): IndexEntry => {
  const images = entries.filter(isImage)
  const rated = images
    .map((entry) => ({ entry, rate: entry.platform ? suitability(node, entry.platform) : 1 }))
    .filter(({ rate }) => rate > 0)
    .sort((a, b) => b.rate - a.rate)
  const best = rated[0]?.entry
  if (best) return best
  const there = [...new Set(images.flatMap(({ platform }) => (platform ? [platformName(platform)] : [])))].slice(0, 20)
  throw unsupported(`there is no image for ${platformName(node)}: only for ${there.join(', ') || 'nothing'}`)
}
