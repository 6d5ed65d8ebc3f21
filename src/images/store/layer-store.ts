/**
 * Unpacked layers, each once for its chain. One is there when its folder is in place. What a power cut may have torn is not
 * trusted: facts name the boot of the machine in which a layer was unpacked, until it is known to be on the disk.
 */
import { readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { isJsonObject } from '../../api/json.ts'
import type { CommandRunner } from '../../host/command.ts'
import { jsonOf, readDurable, reportDamage } from '../../host/durable-file.ts'
import { type Digest, isDigest } from '../digest.ts'
import { asImageError, ImageError } from '../image-error.ts'
import type { NodeAbilities } from '../layer/cleaned.ts'
import type { LayerFile } from '../layer/layer-file.ts'
import { parseLayerPath } from '../layer/layer-path.ts'
import type { ThreadOrder, UnpackThreads } from '../layer/unpack-thread.ts'
import { limits } from '../limits.ts'
import type { StorePaths } from './store-paths.ts'
import type { Workplace } from './workplace.ts'

export interface LayerRecord {
  readonly chain: Digest
  readonly bytes: number
  /** Milliseconds since 1970: when it was unpacked, or last wanted by a pull. */
  readonly at: number
  readonly opaque: readonly string[]
  readonly foreignOwners: number
  readonly devicesLeftOut: number
  readonly overlayXattrs: 'trusted' | 'user'
  /** The boot in which it was written; missing: it is on the disk. */
  readonly boot?: string
}

export interface NewLayer {
  readonly chain: Digest
  readonly diffId: Digest
  /** Chain ids of the layers below it, the lowest first. */
  readonly below: readonly Digest[]
  /** Opens its bytes. */
  readonly source: () => Promise<LayerFile>
  readonly signal?: AbortSignal
}

export interface LayerStore {
  /** Undefined when it is not there, whole. */
  find(chain: Digest): Promise<LayerRecord | undefined>
  /** Unpacks it. Those below are there. Rejects with `ImageError`. */
  add(layer: NewLayer): Promise<LayerRecord>
  /** Everything that was added is on the disk when this resolves. */
  settle(chains: readonly Digest[]): Promise<void>
  /** By the name of its folder, unless it is younger. Resolves to its bytes. The caller has the lock, and knows of no use. */
  remove(name: string, minAgeMs: number): Promise<number>
}

export interface LayerStoreParts {
  readonly paths: StorePaths
  readonly workplace: Workplace
  readonly threads: Pick<UnpackThreads, 'unpack'>
  readonly runner: CommandRunner
  readonly abilities: NodeAbilities
  readonly onDamage: (message: string) => void
  readonly now: () => number
}

const isRecord = (value: unknown): value is LayerRecord =>
  isJsonObject(value) &&
  isDigest(value['chain']) &&
  ['bytes', 'at', 'foreignOwners', 'devicesLeftOut'].every((field) => typeof value[field] === 'number') &&
  Array.isArray(value['opaque']) &&
  value['opaque'].every((path) => typeof path === 'string') &&
  ['trusted', 'user'].includes(String(value['overlayXattrs'])) &&
  ['undefined', 'string'].includes(typeof value['boot'])

export const readBoot = async (): Promise<string> => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()

const isThere = (folder: string): Promise<boolean> =>
  stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  )

export const createLayerStore = (parts: LayerStoreParts, boot: string): LayerStore => {
  const { paths, workplace, threads, runner, abilities, onDamage, now } = parts

  const write = (record: LayerRecord): Promise<void> =>
    workplace.write(paths.factsOf(record.chain), JSON.stringify(record))

  /** What is known of a layer whose facts are lost: that it is whole, since it is in place. */
  const mended = async (chain: Digest): Promise<LayerRecord> => {
    const said = await runner.run('du', ['--summarize', '--block-size=1', '--', paths.layer(chain)])
    const bytes = Number(/^\d+/.exec(said)?.[0] ?? 0)
    const { overlayXattrs } = abilities
    const record = { chain, bytes, at: now(), opaque: [], foreignOwners: 0, devicesLeftOut: 0, overlayXattrs }
    await write(record)
    return record
  }

  const find = async (chain: Digest): Promise<LayerRecord | undefined> => {
    if (!(await isThere(paths.layer(chain)))) return undefined
    const found = await readDurable(paths.factsOf(chain), jsonOf('facts of a layer', isRecord))
    if (found.state === 'damaged') await reportDamage(paths.factsOf(chain), found.why, onDamage)
    const record = found.state === 'read' ? found.value : await mended(chain)
    return record.boot === undefined || record.boot === boot ? record : undefined
  }

  /** Undefined when it is gone. */
  const inodeOf = async (chain: Digest): Promise<number | undefined> =>
    (await stat(paths.layer(chain)).catch(() => undefined))?.ino

  const lowerOf = async (chain: Digest): Promise<ThreadOrder['below'][number]> => {
    const record = await find(chain)
    if (!record) throw new ImageError('not found', `layer ${chain} is not here any more: pull the image again`)
    return { folder: paths.layer(chain), opaque: record.opaque.map((path) => parseLayerPath(path, limits)) }
  }

  /** Another process may have been faster: what it has made is the same. */
  const putInPlace = async (folder: string, record: LayerRecord): Promise<LayerRecord> => {
    const target = paths.layer(record.chain)
    const there = await find(record.chain)
    if (there) return there
    if (await isThere(target)) await workplace.discard(target)
    await write(record)
    await rename(folder, target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
    return record
  }

  const unpack = ({ chain, diffId, below, source, signal }: NewLayer): Promise<LayerRecord> =>
    workplace.within(async (folder) => {
      const lower = await Promise.all(below.map(lowerOf))
      const inodes = await Promise.all(below.map(inodeOf))
      const file = await source()
      const { fd, start } = file
      const order = { file: { fd, start, bytes: file.bytes }, diffId, below: lower, folder, limits }
      const unpacked = await threads.unpack(order, signal).finally(file.close)
      const { folder: made, bytes, opaque, foreignOwners, devicesLeftOut, warnings } = unpacked
      // What was removed meanwhile was not seen: the layer would have other folders.
      if (!isDeepStrictEqual(await Promise.all(below.map(inodeOf)), inodes))
        throw new ImageError('unavailable', 'layers of the image were removed while it was unpacked: try again')
      if (warnings !== '') onDamage(`layer ${diffId}: ${warnings.split('\n')[0]}`)
      const { overlayXattrs } = abilities
      return putInPlace(made, { chain, bytes, at: now(), opaque, foreignOwners, devicesLeftOut, overlayXattrs, boot })
    })

  const adding = new Map<Digest, Promise<LayerRecord>>()

  return {
    find,
    add: async (layer) => {
      for (;;) {
        const same = adding.get(layer.chain)
        if (!same) break
        // Its failure is told to who began it; its bytes may have been worse than ours.
        const found = await same.catch(() => undefined)
        if (found) return found
      }
      const mine = unpack(layer)
        .catch((error: unknown) => {
          throw layer.signal?.aborted ? error : asImageError(error, 'unpacking a layer')
        })
        .finally(() => adding.delete(layer.chain))
      adding.set(layer.chain, mine)
      return mine
    },
    settle: async (chains) => {
      const found = (await Promise.all(chains.map(find))).filter((record) => record?.boot !== undefined)
      if (found.length === 0) return
      await runner.run('sync', ['--file-system', paths.layers])
      for (const record of found) {
        if (!record) continue
        const { boot: _, ...settled } = record
        await write(settled)
      }
    },
    remove: async (name, minAgeMs) => {
      const [folder, file] = [join(paths.layers, name), join(paths.facts, `${name}.json`)]
      const facts = await readDurable(file, jsonOf('facts of a layer', isRecord))
      const record = facts.state === 'read' ? facts.value : undefined
      if (record && now() - record.at < minAgeMs) return 0
      await workplace.discard(folder)
      await rm(file, { force: true })
      return record?.bytes ?? 0
    },
  }
}
