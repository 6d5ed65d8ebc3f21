/** The images of our own store, for who collects what nobody uses. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDigest } from '../digest.ts'
import { hasFault } from '../image-error.ts'
import type { OpenStore } from '../store/image-store.ts'
import type { Disk } from './candidates.ts'
import type { ImageCollection } from './collect.ts'
import { readDisk } from './disk.ts'

export interface StoreCollectionOptions {
  readonly store: OpenStore
  readonly diskOf?: (folder: string) => Promise<Disk>
  readonly now: () => number
}

/** Younger layers of no image may be of a pull that still runs. */
export const layerAgeMs = 3_600_000

export const storeCollection = (options: StoreCollectionOptions): ImageCollection => {
  const { store, diskOf = readDisk, now } = options
  const { images, roots, sweeper, workplace, paths } = store

  return {
    sweep: async (minimumAgeMs) => {
      // Downloads that nobody went on with.
      for (const name of await readdir(paths.partial)) {
        const file = join(paths.partial, name)
        // Gone: a pull has taken it up.
        const found = await stat(file).catch(() => undefined)
        if (found && now() - found.mtimeMs >= minimumAgeMs) await rm(file, { recursive: true, force: true })
      }
      await sweeper.sweep(layerAgeMs)
    },
    candidates: async () => {
      const [all, held] = await Promise.all([images.list(), roots.held()])
      const used = new Set(held.map(({ image }) => image))
      return Promise.all(
        all.map(async ({ id }) => ({ id, lastUsed: await sweeper.lastUsed(id), isHeld: used.has(id) })),
      )
    },
    remove: async (id) => {
      if (!isDigest(id)) throw new Error(`${id} is no digest`)
      try {
        await images.remove(id)
        return true
      } catch (error) {
        if (hasFault(error, 'in use')) return false
        throw error
      }
    },
    disk: async () => {
      await workplace.idle()
      return diskOf(paths.layers)
    },
  }
}
