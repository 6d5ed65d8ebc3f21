/** Room for new images: what is of no use goes, then images that nobody uses, for as long as the disk is too full. */
import { readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '../digest.ts'
import { hasFault } from '../image-error.ts'
import type { OpenStore } from '../store/image-store.ts'
import {
  bytesOverLow,
  type Candidate,
  type CollectionPolicy,
  type Disk,
  isTooFull,
  outlived,
  removable,
} from './candidates.ts'

export interface Collected {
  readonly removed: readonly Digest[]
  /** How much was to be freed for the low threshold; 0: there was room. */
  readonly wantedBytes: number
  /** How much is still to be freed: nothing is left that may go. */
  readonly missingBytes: number
}

export interface CollectorParts {
  readonly store: OpenStore
  readonly diskOf?: (folder: string) => Promise<Disk>
  readonly now?: () => number
}

/** Of what root may use, as others count it, too. */
const readDisk = async (folder: string): Promise<Disk> => {
  const { bsize, blocks, bavail } = await statfs(folder)
  return { capacityBytes: blocks * bsize, availableBytes: bavail * bsize }
}

/** Younger layers of no image may be of a pull that still runs. */
export const layerAgeMs = 3_600_000
const partialAgeMs = 24 * 3_600_000

const candidatesIn = async ({ images, roots, sweeper }: OpenStore): Promise<readonly Candidate[]> => {
  const [all, held] = await Promise.all([images.list(), roots.held()])
  const used = new Set(held.map(({ image }) => image))
  return Promise.all(all.map(async ({ id }) => ({ id, lastUsed: await sweeper.lastUsed(id), isHeld: used.has(id) })))
}

/** Downloads that nobody went on with. */
const removePartial = async (folder: string, now: number, ageMs: number): Promise<void> => {
  for (const name of await readdir(folder)) {
    const file = join(folder, name)
    // Gone: a pull has taken it up.
    const found = await stat(file).catch(() => undefined)
    if (found && now - found.mtimeMs >= ageMs) await rm(file, { force: true })
  }
}

/** Safe to repeat, and to be killed half-way. */
export const collectImages = async (parts: CollectorParts, policy: CollectionPolicy): Promise<Collected> => {
  const { store, diskOf = readDisk, now = Date.now } = parts
  const removed: Digest[] = []
  const disk = async (): Promise<Disk> => {
    await store.workplace.idle()
    return diskOf(store.paths.layers)
  }
  const remove = async ({ id }: Candidate): Promise<void> => {
    try {
      await store.images.remove(id)
      removed.push(id)
    } catch (error) {
      // Somebody has begun to use it.
      if (!hasFault(error, 'in use')) throw error
    }
  }

  await removePartial(store.paths.partial, now(), partialAgeMs)
  await store.sweeper.sweep(layerAgeMs)
  for (const image of outlived(await candidatesIn(store), now(), policy)) await remove(image)
  const before = await disk()
  if (!isTooFull(before, policy)) return { removed, wantedBytes: 0, missingBytes: 0 }
  await removePartial(store.paths.partial, now(), policy.minimumAgeMs)
  for (const image of removable(await candidatesIn(store), now(), policy)) {
    if (bytesOverLow(await disk(), policy) === 0) break
    await remove(image)
  }
  return { removed, wantedBytes: bytesOverLow(before, policy), missingBytes: bytesOverLow(await disk(), policy) }
}
