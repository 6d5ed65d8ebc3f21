/** The images of a node: what is known of them, what they are called, and that what is used stays. */
import { readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import type { CommandRunner } from '../../host/command.ts'
import { readDurableBytes, reportDamage } from '../../host/durable-file.ts'
import { chainIds, type Digest, digestOf, isDigest, shortId } from '../digest.ts'
import { type ParsedConfig, parseConfig } from '../image-config.ts'
import { asImageError, damaged, ImageError } from '../image-error.ts'
import type { Image, Roots } from '../images.ts'
import type { NodeAbilities } from '../layer/cleaned.ts'
import type { LayerFile } from '../layer/layer-file.ts'
import { createUnpackThreads } from '../layer/unpack-thread.ts'
import { limits } from '../limits.ts'
import { parseReference, storedName } from '../reference.ts'
import { createHolds, type Holds } from './holds.ts'
import { createLayerStore, type LayerRecord, type LayerStore, readBoot } from './layer-store.ts'
import { createNameStore, type NameRecord, type NameStore } from './name-store.ts'
import { rescueDownloads } from './partial.ts'
import { createStoreLock, type StoreLock } from './store-lock.ts'
import { makeFolders, type StorePaths, storePaths } from './store-paths.ts'
import { openWorkplace, type Workplace } from './workplace.ts'

/** An image that is to be put into the store, wherever its bytes come from. */
export interface ImageSource {
  /** As its maker wrote it: its digest is the image's id. */
  readonly config: Buffer
  /** Opens the bytes of a layer, compressed or not; the lowest is 0. */
  readonly layer: (index: number) => Promise<LayerFile>
  readonly layers: number
  /** Told which layers will be opened: those that are not here. */
  readonly wanted?: (indexes: readonly number[]) => void
  /** This layer is here now: its bytes are not needed any more. */
  readonly unpacked?: (index: number) => Promise<void>
  /** In full: `docker.io/library/nginx:1.27`, `docker.io/library/nginx@sha256:…`. */
  readonly names: readonly string[]
}

export interface AddOptions {
  /** Called with how many layers are there. */
  readonly onLayers?: (done: number) => void
  readonly signal?: AbortSignal
}

export interface ImageStore {
  find(reference: string): Promise<Image | undefined>
  list(): Promise<readonly Image[]>
  /** Resolves when containers can be made of it; `settled` when a power cut would leave it whole, too. Never a half of it. */
  add(source: ImageSource, options?: AddOptions): Promise<{ readonly image: Image; readonly settled: Promise<void> }>
  /** As `Images.remove`. */
  remove(id: Digest): Promise<void>
}

export interface OpenStore {
  readonly images: ImageStore
  readonly roots: Roots
  /** What collecting garbage needs to know and may do. */
  readonly sweeper: StoreSweeper
  readonly workplace: Workplace
  readonly paths: StorePaths
  /** Waits for what is being written to the disk, and removed from it. */
  close(): Promise<void>
}

export interface StoreSweeper {
  /** When each image was last held or released, or came; milliseconds since 1970. */
  lastUsed(id: Digest): Promise<number>
  /** Removes layers and names of no image. Younger layers than `minAgeMs` may be of a pull. Resolves to the bytes of layers. */
  sweep(minAgeMs: number): Promise<number>
  /** Takes a name away; the image goes with its last one, unless it is held. */
  untag(name: string): Promise<void>
}

export interface StoreOptions {
  readonly folder: string
  readonly runner: CommandRunner
  readonly abilities: NodeAbilities
  /** Told in one sentence of what was found damaged, and of what could not be done as it should. */
  readonly onNotice: (message: string) => void
  readonly now?: () => number
}

interface Parts {
  readonly paths: StorePaths
  readonly workplace: Workplace
  readonly layers: LayerStore
  readonly names: NameStore
  readonly holds: Holds
  readonly lock: StoreLock
  readonly onNotice: (message: string) => void
  readonly now: () => number
}

interface StoredImage {
  readonly id: Digest
  readonly parsed: ParsedConfig
  readonly configBytes: number
  readonly chains: readonly Digest[]
  readonly layers: readonly LayerRecord[]
}

/** What is written in the store under this digest. A damaged file is set aside. */
const readConfig = async ({ paths, onNotice }: Parts, id: Digest): Promise<Buffer | undefined> => {
  const found = await readDurableBytes(paths.image(id), (bytes) => {
    const digest = digestOf(bytes)
    if (digest !== id) throw new Error(`its digest is ${digest}`)
    return bytes
  })
  if (found.state === 'damaged')
    await reportDamage(paths.image(id), `${found.why}; the image is to be pulled again`, onNotice)
  return found.state === 'read' ? found.value : undefined
}

const readImage = async (parts: Parts, id: Digest): Promise<StoredImage | undefined> => {
  const bytes = await readConfig(parts, id)
  if (!bytes) return undefined
  const parsed = parseConfig(bytes, limits)
  const chains = chainIds(parsed.diffIds)
  const found = await Promise.all(chains.map((chain) => parts.layers.find(chain)))
  const layers = found.filter((layer) => layer !== undefined)
  if (layers.length < chains.length) {
    parts.onNotice(
      `image ${shortId(id)} lacks ${chains.length - layers.length} of its layers: it is to be pulled again`,
    )
    return undefined
  }
  return { id, parsed, configBytes: bytes.length, chains, layers }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

const limitationsOf = (layers: readonly LayerRecord[]): readonly string[] => {
  const foreign = sum(layers.map(({ foreignOwners }) => foreignOwners))
  const devices = sum(layers.map(({ devicesLeftOut }) => devicesLeftOut))
  return [
    ...(foreign === 0
      ? []
      : [`${foreign} of its files have owners that this user namespace does not have: they are root's`]),
    ...(devices === 0 ? [] : [`${devices} of its device files were left out: only root of the machine can make them`]),
  ]
}

const asImage = ({ id, parsed, configBytes, layers }: StoredImage, called: readonly string[]): Image => ({
  id,
  names: called.filter((name) => !name.includes('@')).sort(),
  digests: called.filter((name) => name.includes('@')).sort(),
  bytes: configBytes + sum(layers.map(({ bytes }) => bytes)),
  config: parsed.config,
  limitations: limitationsOf(layers),
})

const calledOf = (records: readonly NameRecord[], id: Digest): readonly string[] =>
  records.flatMap(({ name, image }) => (image === id ? [name] : []))

const namesOf = async ({ names }: Parts, id: Digest): Promise<readonly string[]> => calledOf(await names.list(), id)

const loadImage = async (parts: Parts, id: Digest): Promise<Image | undefined> => {
  const [stored, called] = await Promise.all([readImage(parts, id), namesOf(parts, id)])
  return stored && asImage(stored, called)
}

const removing = '.removing'

/** Ids of all images, also of those that are being removed. */
const idsIn = async (paths: StorePaths, ending = '.json'): Promise<readonly Digest[]> =>
  (await readdir(paths.images)).flatMap((file) => {
    const digest = `sha256:${file.slice(0, -ending.length)}`
    return file.endsWith(ending) && isDigest(digest) ? [digest] : []
  })

/** `lacking` in a retry: what was there when it was looked for was collected before the image was written. */
const attempts = 3

const addImage = async (parts: Parts, source: ImageSource, { onLayers, signal }: AddOptions) => {
  const { paths, workplace, layers, names, lock } = parts
  const parsed = parseConfig(source.config, limits)
  const id = digestOf(source.config)
  const chains = chainIds(parsed.diffIds)
  if (source.layers !== chains.length)
    throw damaged(`the image has ${source.layers} layers, and its configuration knows ${chains.length}`)

  const missing = async (): Promise<readonly number[]> => {
    const found = await Promise.all(chains.map((chain) => layers.find(chain)))
    return found.flatMap((layer, index) => (layer ? [] : [index]))
  }
  const complete = async (): Promise<void> => {
    source.wanted?.(await missing())
    for (const [index, chain] of chains.entries()) {
      signal?.throwIfAborted()
      const diffId = parsed.diffIds[index]
      if (diffId !== undefined && !(await layers.find(chain))) {
        const below = chains.slice(0, index)
        await layers.add({ chain, diffId, below, source: () => source.layer(index), ...(signal ? { signal } : {}) })
        await source.unpacked?.(index)
      }
      onLayers?.(index + 1)
    }
  }
  const commit = (): Promise<boolean> =>
    lock.hold(async () => {
      if ((await missing()).length > 0) return false
      await workplace.write(paths.image(id), source.config)
      for (const name of source.names) await names.set({ name, image: id })
      return true
    })

  for (let attempt = 1; ; attempt++) {
    await complete()
    if (await commit()) break
    if (attempt === attempts)
      throw new ImageError('disk', `layers of image ${shortId(id)} are removed as soon as they are there`)
  }
  const settled = layers
    .settle(chains)
    .catch((error: unknown) => parts.onNotice(asImageError(error, 'writing layers to the disk').message))
  const image = await loadImage(parts, id)
  if (!image) throw new ImageError('disk', `image ${shortId(id)} was removed as soon as it was there`)
  return { image, settled }
}

/** With the lock. Of these layers, those of no image go. Resolves to their bytes. */
const sweepLayers = async ({ paths, layers }: Parts, names: readonly string[], minAgeMs: number): Promise<number> => {
  const used = new Set<string>()
  for (const id of await idsIn(paths)) for (const chain of await chainsOf(paths, id)) used.add(paths.layerName(chain))
  let bytes = 0
  for (const name of names) if (!used.has(name)) bytes += await layers.remove(name, minAgeMs)
  return bytes
}

/** Of an image that may be damaged: whoever looks for it is told. */
const chainsOf = async (paths: StorePaths, id: Digest): Promise<readonly Digest[]> => {
  const bytes = await readFile(paths.image(id)).catch(() => undefined)
  return bytes && digestOf(bytes) === id ? chainIds(parseConfig(bytes, limits).diffIds) : []
}

/**
 * With the lock. The image is taken away first, then it is looked for who holds it; who begins to hold one does it the other way
 * round. So one of the two sees the other, and no container loses its root.
 */
const removeImage = async (parts: Parts, id: Digest): Promise<void> => {
  const { paths, names, holds } = parts
  const away = `${paths.image(id)}${removing}`
  const chains = await chainsOf(paths, id)
  try {
    await rename(paths.image(id), away)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const users = await holds.of(id)
  if (users.length > 0) {
    await rename(away, paths.image(id))
    throw new ImageError('in use', `image ${shortId(id)} is used by ${users.join(', ')}: end its containers first`)
  }
  for (const name of await namesOf(parts, id)) await names.remove(name)
  await rm(away, { force: true })
  await sweepLayers(parts, chains.map(paths.layerName), 0)
}

/** Removals that were interrupted are finished, or taken back where somebody holds the image. */
const finishRemovals = async (parts: Parts): Promise<void> => {
  const { paths, lock } = parts
  if ((await idsIn(paths, `.json${removing}`)).length === 0) return
  await lock.hold(async () => {
    for (const id of await idsIn(paths, `.json${removing}`)) {
      await rename(`${paths.image(id)}${removing}`, paths.image(id))
      await removeImage(parts, id).catch((error: unknown) => {
        if (!(error instanceof ImageError)) throw error
      })
    }
  })
}

const layerNames = async (paths: StorePaths): Promise<readonly string[]> =>
  (await readdir(paths.layers)).filter((name) => /^[0-9a-f]+$/.test(name))

const createRoots = (parts: Parts): Roots => {
  const { paths, holds, now } = parts
  const needed = async (id: Digest): Promise<StoredImage> => {
    const found = await readImage(parts, checked(id))
    if (!found) throw new ImageError('not found', `image ${id} is not here: pull it again`)
    return found
  }
  /** It becomes part of paths, and others may pass what is none. */
  const checked = (id: Digest): Digest => {
    if (!isDigest(id)) throw new ImageError('invalid name', `${JSON.stringify(id)} is no id of an image`)
    return id
  }
  /** One that is removed meanwhile needs no time. */
  const touch = (id: Digest): Promise<void> =>
    utimes(paths.image(id), now() / 1_000, now() / 1_000).catch(() => undefined)
  return {
    layersOf: async (id) => {
      const { chains, layers } = await needed(id)
      const isUsers = layers.some(({ overlayXattrs }) => overlayXattrs === 'user')
      return { folder: paths.layers, names: chains.map(paths.layerName), mountOptions: isUsers ? ['userxattr'] : [] }
    },
    hold: async (id, user) => {
      await holds.set(checked(id), user)
      try {
        await needed(id)
      } catch (error) {
        await holds.remove(id, user)
        throw error
      }
      await touch(id)
    },
    release: async (id, user) => {
      await holds.remove(checked(id), user)
      await touch(id)
    },
    held: holds.list,
  }
}

const createSweeper = (parts: Parts): StoreSweeper => {
  const { paths, names, lock } = parts
  return {
    // Of one that was removed meanwhile nothing is left to spare.
    lastUsed: async (id) => (await stat(paths.image(id)).catch(() => undefined))?.mtimeMs ?? 0,
    sweep: (minAgeMs) =>
      lock.hold(async () => {
        const ids = new Set(await idsIn(paths))
        for (const { name, image } of await names.list()) if (!ids.has(image)) await names.remove(name)
        return sweepLayers(parts, await layerNames(paths), minAgeMs)
      }),
    untag: (name) =>
      lock.hold(async () => {
        const id = await names.find(name)
        if (!id) return
        const others = (await namesOf(parts, id)).filter((other) => other !== name && !other.includes('@'))
        if (others.length > 0) await names.remove(name)
        else await removeImage(parts, id)
      }),
  }
}

/** Opens a store, which other processes may have open, too. */
export const openImageStore = async (options: StoreOptions): Promise<OpenStore> => {
  const { folder, runner, abilities, onNotice, now = Date.now } = options
  const paths = storePaths(folder)
  await makeFolders(paths)
  const workplace = await openWorkplace(paths.temporary, runner, onNotice, (place) =>
    rescueDownloads(place, paths.partial),
  )
  const threads = createUnpackThreads()
  const layerParts = { paths, workplace, threads, runner, abilities, onDamage: onNotice, now }
  const layers = createLayerStore(layerParts, await readBoot())
  const names = createNameStore(paths, workplace, onNotice)
  const parts: Parts = {
    paths,
    workplace,
    layers,
    names,
    holds: createHolds(paths),
    lock: createStoreLock(paths.lock),
    onNotice,
    now,
  }
  await finishRemovals(parts)

  const idOf = async (reference: string): Promise<Digest | undefined> =>
    isDigest(reference) ? reference : names.find(storedName(parseReference(reference)))

  const settling = new Set<Promise<void>>()

  return {
    paths,
    workplace,
    close: async () => {
      await Promise.all([...settling, threads.close()])
      await workplace.close()
    },
    roots: createRoots(parts),
    sweeper: createSweeper(parts),
    images: {
      find: async (reference) => {
        const id = await idOf(reference)
        return id && loadImage(parts, id)
      },
      list: async () => {
        const [ids, called] = await Promise.all([idsIn(paths), names.list()])
        const found = await Promise.all(
          ids.map(async (id) => {
            const stored = await readImage(parts, id)
            return stored && asImage(stored, calledOf(called, id))
          }),
        )
        return found.filter((image) => image !== undefined)
      },
      add: async (source, addOptions = {}) => {
        const added = await addImage(parts, source, addOptions)
        settling.add(added.settled)
        void added.settled.finally(() => settling.delete(added.settled))
        return added
      },
      remove: (id) => parts.lock.hold(() => removeImage(parts, id)),
    },
  }
}
