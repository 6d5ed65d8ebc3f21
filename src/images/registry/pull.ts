/** An image from its registry into the store of this node. */

import { rm } from 'node:fs/promises'
import { counted } from '../../host/counted.ts'
import { readWholeBytes } from '../../host/read-whole.ts'
import { type ImageCredentials, noCredentials, type RegistryCredential } from '../credentials.ts'
import { type Digest, digestOf } from '../digest.ts'
import { damaged, ImageError } from '../image-error.ts'
import type { Image, PullOptions } from '../images.ts'
import { type LayerFile, openLayerFile } from '../layer/layer-file.ts'
import { findManifest } from '../manifest/find-manifest.ts'
import type { Descriptor, Manifest } from '../manifest/manifest.ts'
import { nodePlatform, type Platform } from '../manifest/platform.ts'
import { formatReference, type Reference, repositoryName, storedName } from '../reference.ts'
import type { OpenStore } from '../store/image-store.ts'
import { download } from './download.ts'
import type { HttpClient } from './http-client.ts'
import type { Endpoint, Registries } from './registries.ts'
import { openRepository, type Repository } from './repository.ts'

export interface PullParts {
  readonly store: OpenStore
  readonly http: HttpClient
  readonly registries: Registries
  readonly platform?: Platform
}

const atOnce = 3

interface Found {
  readonly repository: Repository
  readonly manifest: Manifest
  /** Of what the reference stands for: of an index, where it is one. */
  readonly digest: Digest
}

const resolve = async (
  repository: Repository,
  reference: string,
  node: Platform,
  signal?: AbortSignal,
): Promise<Found> => {
  const first = await repository.manifest(reference, signal)
  const { manifest } = await findManifest(first, node, ({ digest }) => repository.manifest(digest, signal))
  return { repository, manifest, digest: first.digest }
}

/** As whom an endpoint is asked, one after the other. What is for the registry is not shown to its mirrors. */
const credentialsFor = (
  endpoint: Endpoint,
  reference: Reference,
  credentials: ImageCredentials,
): readonly (RegistryCredential | undefined)[] => {
  const theirs = endpoint.mirrorOf === undefined ? credentials.for(repositoryName(reference)) : []
  const all = [...theirs, ...(endpoint.credential ? [endpoint.credential] : [])]
  return all.length === 0 ? [undefined] : all
}

/** The first place that has it. The registry itself is the last one, and its answer counts. */
const find = async (
  { http, registries, platform = nodePlatform() }: PullParts,
  reference: Reference,
  options: PullOptions,
): Promise<Found> => {
  const { credentials = noCredentials, signal } = options
  let failure: unknown
  for (const endpoint of registries.endpointsOf(reference.registry))
    for (const credential of credentialsFor(endpoint, reference, credentials)) {
      signal?.throwIfAborted()
      try {
        const repository = openRepository({ http, endpoint, name: reference.repository, credential })
        return await resolve(repository, reference.digest ?? reference.tag ?? 'latest', platform, signal)
      } catch (error) {
        if (!(error instanceof ImageError)) throw error
        failure = error
        // Other credentials help only where these were not enough.
        if (error.fault !== 'unauthorized') break
      }
    }
  throw failure
}

const readConfig = async ({ repository, manifest: { config } }: Found, signal?: AbortSignal): Promise<Buffer> => {
  const { body } = await repository.blob(config.digest, 0, signal)
  const bytes = await readWholeBytes(body, config.bytes, () =>
    damaged(`the configuration has more than the ${counted(config.bytes, 'byte')} of its manifest`),
  )
  const found = digestOf(bytes)
  if (found !== config.digest) throw damaged(`the configuration ${config.digest} arrived as ${found}`)
  return bytes
}

/** Runs so many at once, in the order in which they were given. */
const createLimiter = (most: number) => {
  let running = 0
  const waiting: (() => void)[] = []
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= most) await new Promise<void>((go) => waiting.push(go))
    running++
    try {
      return await work()
    } finally {
      running--
      waiting.shift()?.()
    }
  }
}

interface Downloads {
  /** Begins with these; what is the same is downloaded once. */
  start(indexes: readonly number[]): void
  open(index: number): Promise<LayerFile>
  /** Removes the file of a layer, unless another one needs it. */
  remove(index: number): Promise<void>
  /** Ends what still runs. */
  stop(): Promise<void>
}

const createDownloads = (
  { store }: PullParts,
  { repository, manifest }: Found,
  folder: string,
  options: PullOptions,
): Downloads => {
  const abort = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, abort.signal]) : abort.signal
  const limit = createLimiter(atOnce)
  const files = new Map<string, Promise<string>>()
  const done = new Map<string, number>()
  let totalBytes = 0
  let layersDone = 0

  const tell = (): void => {
    const doneBytes = [...done.values()].reduce((sum, bytes) => sum + bytes, 0)
    options.onProgress?.({ doneBytes, totalBytes, layersDone, layers: files.size })
  }
  const begin = (descriptor: Descriptor): Promise<string> =>
    limit(async () => {
      const onBytes = (bytes: number): void => {
        done.set(descriptor.digest, bytes)
        tell()
      }
      const file = await download({ descriptor, repository, folder, partial: store.paths.partial, onBytes, signal })
      layersDone++
      onBytes(descriptor.bytes)
      return file
    })
  const layerAt = (index: number): Descriptor => {
    const layer = manifest.layers[index]
    if (!layer) throw damaged('the image has fewer layers than its configuration says')
    return layer
  }
  const fileOf = (descriptor: Descriptor): Promise<string> => {
    const known = files.get(descriptor.digest)
    if (known) return known
    totalBytes += descriptor.bytes
    const file = begin(descriptor)
    // Whoever opens it is told; when nobody does, another layer has failed.
    file.catch(() => undefined)
    files.set(descriptor.digest, file)
    return file
  }
  return {
    start: (indexes) => {
      for (const index of indexes) void fileOf(layerAt(index))
      tell()
    },
    open: async (index) => openLayerFile(await fileOf(layerAt(index))),
    remove: async (index) => {
      const { digest } = layerAt(index)
      if (manifest.layers.findLastIndex((layer) => layer.digest === digest) === index)
        await rm(await fileOf(layerAt(index)), { force: true })
    },
    stop: async () => {
      abort.abort()
      await Promise.allSettled(files.values())
    },
  }
}

/** Rejects with `ImageError`, whose message names the image and the registry. */
export const pullImage = async (parts: PullParts, reference: Reference, options: PullOptions): Promise<Image> => {
  const { store } = parts
  const { signal } = options
  try {
    return await store.workplace.within(async (folder) => {
      const found = await find(parts, reference, options)
      const config = await readConfig(found, signal)
      const downloads = createDownloads(parts, found, folder, options)
      const names = [storedName(reference), `${repositoryName(reference)}@${found.digest}`]
      try {
        const { image } = await store.images.add(
          {
            ...{ config, layers: found.manifest.layers.length, names: [...new Set(names)] },
            ...{ layer: downloads.open, wanted: downloads.start, unpacked: downloads.remove },
          },
          signal ? { signal } : {},
        )
        return image
      } finally {
        await downloads.stop()
      }
    })
  } catch (error) {
    if (!(error instanceof ImageError)) throw error
    throw new ImageError(error.fault, `cannot pull ${formatReference(reference)}: ${error.message}`, error)
  }
}
