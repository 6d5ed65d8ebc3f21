/** The image store of the node, as the pod side and the containers' roots need it. */
import type { StringMap } from '../../../api/types/index.ts'
import type { ImageCredentials, RegistryCredential } from '../../../images/credentials.ts'
import { type Digest, parseDigest } from '../../../images/digest.ts'
import { hasFault } from '../../../images/image-error.ts'
import type { PullOptions, Roots, Image as StoredImage, Images as StoredImages } from '../../../images/images.ts'
import { type Image, type Images, InvalidImageName, type RegistryLogin } from '../images.ts'
import type { ImageRoots } from './image-roots.ts'

export interface NodeImages {
  readonly images: Images
  readonly roots: ImageRoots
}

/** A part of an image store; opened when it is first needed. */
export interface OpenedImages {
  readonly images: Omit<StoredImages, 'pull'>
  readonly roots: Roots
}

const variables = (env: readonly string[]): StringMap =>
  Object.fromEntries(
    env.map((each) => {
      const at = each.indexOf('=')
      return at < 0 ? [each, ''] : [each.slice(0, at), each.slice(at + 1)]
    }),
  )

const shown = ({ id, names, digests, bytes, config }: StoredImage): Image => {
  const { entrypoint, cmd, env, user, workingDir, stopSignal } = config
  return {
    // One that was imported is known to no registry.
    ...{ id, digest: digests[0] ?? id, names: [...names, ...digests], sizeBytes: bytes },
    config: { entrypoint, cmd, env: variables(env), user, workingDir, ...(stopSignal === '' ? {} : { stopSignal }) },
  }
}

const dockerHub = 'docker.io'

/** `https://index.docker.io/v1/` is `docker.io`. */
const placeOf = (registry: string): string => {
  const place = registry.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '')
  return /^(index\.|registry-1\.)?docker\.io$/.test(place) ? dockerHub : place
}

/** Those of the longest place come first. */
export const credentialsOf = (logins: readonly RegistryLogin[]): ImageCredentials => ({
  for: (repository) =>
    logins
      .map(({ registry, username, password }) => ({ place: placeOf(registry), username, password }))
      .filter(({ place }) => repository === place || repository.startsWith(`${place}/`))
      .sort((a, b) => b.place.length - a.place.length)
      .map(({ username, password }): RegistryCredential => ({ kind: 'basic', username, password })),
})

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

/** `pull` asks a registry. */
export const createNodeImages = (
  open: () => Promise<OpenedImages>,
  pull: (reference: string, options: PullOptions) => Promise<StoredImage>,
): NodeImages => ({
  images: {
    find: (reference) =>
      named(reference, async () => {
        const found = await (await open()).images.find(reference)
        return found && shown(found)
      }),
    pull: (reference, logins, signal) =>
      named(reference, async () => shown(await pull(reference, { credentials: credentialsOf(logins), signal }))),
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
