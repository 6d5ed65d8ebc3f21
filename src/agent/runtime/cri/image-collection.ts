/** The images of a container runtime, for who collects what nobody uses: no runtime does so by itself. */
import { isJsonObject, parseJson } from '../../../api/json.ts'
import type { Disk } from '../../../images/collect/candidates.ts'
import type { ImageCollection } from '../../../images/collect/collect.ts'
import { readDisk } from '../../../images/collect/disk.ts'
import type { CriClient } from './client.ts'
import { isUsed, removeImage, usedImages } from './images.ts'

/** A runtime says that an image is removed before its layers are: for so long they are taken for gone. */
const removalMs = 60_000

export interface CriCollectionOptions {
  readonly client: CriClient
  readonly diskOf?: (folder: string) => Promise<Disk>
  readonly now?: () => number
}

export const criCollection = ({ client, diskOf = readDisk, now = Date.now }: CriCollectionOptions): ImageCollection => {
  /** A runtime does not tell: what was there when it was first seen is as if it were used then. */
  const lastUsed = new Map<string, number>()
  const sizes = new Map<string, number>()
  let removed: readonly { readonly at: number; readonly bytes: number }[] = []

  /** The image of sandboxes: of no container, and no pod starts without it. Newer runtimes pin it. */
  const sandboxImage = async (): Promise<string> => {
    const { info } = await client.ask('Status', { verbose: true })
    const config = parseJson(info['config'] ?? '{}')
    const name = isJsonObject(config) ? config['sandboxImage'] : undefined
    return typeof name === 'string' ? name : ''
  }

  return {
    sweep: async () => undefined,
    candidates: async () => {
      const [{ images }, used, sandbox] = await Promise.all([
        client.ask('ListImages', {}),
        usedImages(client),
        sandboxImage(),
      ])
      const ids = new Set(images.map(({ id }) => id))
      for (const memory of [lastUsed, sizes]) for (const id of memory.keys()) if (!ids.has(id)) memory.delete(id)
      return images.map((image) => {
        const { id, size } = image
        const isHeld = isUsed(image, used)
        if (isHeld || !lastUsed.has(id)) lastUsed.set(id, now())
        sizes.set(id, Number(size))
        const isKept = image.pinned || isUsed(image, new Set([sandbox]))
        return { id, lastUsed: lastUsed.get(id) ?? now(), isHeld: isHeld || isKept }
      })
    },
    remove: async (id) => {
      const { image } = await client.ask('ImageStatus', { image: { image: id }, verbose: false })
      if (!image || isUsed(image, await usedImages(client))) return false
      await removeImage(client, id)
      removed = [...removed, { at: now(), bytes: sizes.get(id) ?? 0 }]
      return true
    },
    disk: async () => {
      const { imageFilesystems } = await client.ask('ImageFsInfo', {})
      const folder = imageFilesystems[0]?.fsId?.mountpoint
      if (!folder) throw new Error('the container runtime does not tell where its images are')
      const { capacityBytes, availableBytes } = await diskOf(folder)
      removed = removed.filter(({ at }) => now() - at < removalMs)
      return { capacityBytes, availableBytes: removed.reduce((sum, { bytes }) => sum + bytes, availableBytes) }
    },
  }
}
