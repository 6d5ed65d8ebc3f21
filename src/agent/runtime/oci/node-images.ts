/** The image store of the node, as the pod side and the containers' roots need it. */
import type { StringMap } from '../../../api/types/index.ts'
import { type Digest, parseDigest } from '../../../images/digest.ts'
import { hasFault } from '../../../images/image-error.ts'
import type { Roots, Image as StoredImage, Images as StoredImages } from '../../../images/images.ts'
import { credentialsOf } from '../../../images/registry/docker-config.ts'
import { type Image, type Images, InvalidImageName } from '../images.ts'
import type { ImageRoots } from './image-roots.ts'

export interface NodeImages {
  readonly images: Images
  readonly roots: ImageRoots
}

/** Opened when they are first needed. */
export interface OpenedImages {
  readonly images: StoredImages
  readonly roots: Roots
}

const variables = (env: readonly string[]): StringMap =>
  Object.fromEntries(
    env.map((each) => {
      const at = each.indexOf('=')
      return at < 0 ? [each, ''] : [each.slice(0, at), each.slice(at + 1)]
    }),
  )

const shown = ({ id, names, digests, bytes, config, limitations }: StoredImage): Image => {
  const { entrypoint, cmd, env, user, workingDir, stopSignal } = config
  return {
    // One that was imported is known to no registry.
    ...{ id, digest: digests[0] ?? id, names: [...names, ...digests], sizeBytes: bytes },
    limitations,
    config: { entrypoint, cmd, env: variables(env), user, workingDir, ...(stopSignal === '' ? {} : { stopSignal }) },
  }
}

const digest = (image: string): Digest => {
  const found = parseDigest(image)
  if (!found) throw new Error(`${JSON.stringify(image)} is no id of an image`)
  return found
}

const named = async <T>(reference: string, ask: () => Promise<T>): Promise<T> => {
  try {
    return await ask()
  } catch (error) {
    throw hasFault(error, 'invalid name') ? new InvalidImageName(reference) : error
  }
}

export const createNodeImages = (open: () => Promise<OpenedImages>): NodeImages => ({
  images: {
    find: (reference) =>
      named(reference, async () => {
        const found = await (await open()).images.find(reference)
        return found && shown(found)
      }),
    pull: (reference, logins, signal) =>
      named(reference, async () =>
        shown(await (await open()).images.pull(reference, { credentials: credentialsOf(logins), signal })),
      ),
    list: async () => (await (await open()).images.list()).map(shown),
    remove: async (id) => (await open()).images.remove(digest(id)),
  },
  roots: {
    layersOf: async (image) => (await open()).roots.layersOf(digest(image)),
    hold: async (image, user) => (await open()).roots.hold(digest(image), user),
    release: async (image, user) => (await open()).roots.release(digest(image), user),
    held: async () => (await open()).roots.held(),
  },
})
