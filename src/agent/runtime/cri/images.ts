/** The images of a container runtime, which fetches and keeps them. */
import { errorText } from '../../../api/errors.ts'
import type { StringMap } from '../../../api/types/index.ts'
import type { RegistryCredential } from '../../../images/credentials.ts'
import { isDigest } from '../../../images/digest.ts'
import { parseConfig } from '../../../images/image-config.ts'
import { hasFault } from '../../../images/image-error.ts'
import { limits } from '../../../images/limits.ts'
import { parseReference, repositoryName, storedName } from '../../../images/reference.ts'
import { credentialsOf } from '../../../images/registry/docker-config.ts'
import { type Image, type ImageConfig, type Images, InvalidImageName, type ListedImage } from '../images.ts'
import type { CriClient } from './client.ts'
import { isNotFound } from './errors.ts'
import type { AuthConfig, CriImage } from './messages.ts'

/** The user gives a pull up, not we. */
const pullMs = 24 * 3600_000
const removeMs = 120_000

interface Named {
  /** In full, as runtimes know it. */
  readonly name: string
  readonly repository: string
}

const named = (text: string): Named => {
  try {
    const reference = parseReference(text)
    return { name: storedName(reference), repository: repositoryName(reference) }
  } catch (error) {
    throw hasFault(error, 'invalid name') ? new InvalidImageName(text) : error
  }
}

const variables = (env: readonly string[]): StringMap =>
  Object.fromEntries(env.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]))

const listed = ({ id, repoTags, repoDigests, size }: CriImage): ListedImage => ({
  // One that was imported is known to no registry.
  ...{ id, digest: repoDigests[0] ?? id, names: [...repoTags, ...repoDigests], sizeBytes: Number(size) },
})

/** Runtimes show the image's own configuration to who asks for all. */
const configIn = (id: string, info: string | undefined): ImageConfig => {
  const found: unknown = JSON.parse(info ?? '{}')
  const spec = typeof found === 'object' && found !== null && 'imageSpec' in found ? found.imageSpec : undefined
  if (typeof spec !== 'object' || spec === null)
    throw new Error(`the container runtime does not tell the configuration of the image ${id}`)
  const { config } = parseConfig(Buffer.from(JSON.stringify(spec)), limits)
  const { entrypoint, cmd, env, user, workingDir, stopSignal } = config
  return { entrypoint, cmd, env: variables(env), user, workingDir, ...(stopSignal === '' ? {} : { stopSignal }) }
}

const authOf = (credential: RegistryCredential, serverAddress: string): AuthConfig => {
  switch (credential.kind) {
    case 'basic':
      return { username: credential.username, password: credential.password, serverAddress }
    case 'identity token':
      return { identityToken: credential.token, serverAddress }
    case 'registry token':
      return { registryToken: credential.token, serverAddress }
  }
}

/** By the ids of the images of all containers, whoever has made them. */
export const usedImages = async (client: CriClient): Promise<ReadonlySet<string>> => {
  const { containers } = await client.ask('ListContainers', { filter: { labelSelector: {} } })
  return new Set(containers.map(({ imageRef }) => imageRef))
}

export const isUsed = ({ id, repoTags, repoDigests }: CriImage, used: ReadonlySet<string>): boolean =>
  [id, ...repoTags, ...repoDigests].some((name) => used.has(name))

export const removeImage = async (client: CriClient, id: string): Promise<void> => {
  await client.ask('RemoveImage', { image: { image: id } }, { timeoutMs: removeMs }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error
  })
}

export const createCriImages = (client: CriClient): Images => {
  /** By id, which is what they are. */
  const configs = new Map<string, ImageConfig>()

  const lookUp = async (name: string): Promise<Image | undefined> => {
    const { image, info } = await client.ask('ImageStatus', { image: { image: name }, verbose: true })
    if (!image) return undefined
    const config = configs.get(image.id) ?? configIn(image.id, info['info'])
    configs.set(image.id, config)
    return { ...listed(image), config, limitations: [] }
  }

  const pullWith = async (name: string, auth: AuthConfig | undefined, signal: AbortSignal): Promise<void> => {
    await client.ask('PullImage', { image: { image: name }, ...(auth ? { auth } : {}) }, { timeoutMs: pullMs, signal })
  }

  return {
    find: async (reference) => lookUp(isDigest(reference) ? reference : named(reference).name),

    pull: async (reference, logins, signal) => {
      const { name, repository } = named(reference)
      const [server = ''] = repository.split('/')
      const credentials = credentialsOf(logins).for(repository)
      const failures: string[] = []
      for (const auth of credentials.length === 0 ? [undefined] : credentials.map((each) => authOf(each, server)))
        try {
          await pullWith(name, auth, signal)
          const found = await lookUp(name)
          if (!found) throw new Error(`the container runtime has pulled ${name}, and does not have it`)
          return found
        } catch (error) {
          signal.throwIfAborted()
          failures.push(errorText(error))
        }
      throw new Error([...new Set(failures)].join('; '))
    },

    list: async () => {
      const { images } = await client.ask('ListImages', {})
      for (const id of configs.keys()) if (!images.some((image) => image.id === id)) configs.delete(id)
      return images.map(listed)
    },

    remove: async (id) => {
      const { image } = await client.ask('ImageStatus', { image: { image: id }, verbose: false })
      if (!image) return
      if (isUsed(image, await usedImages(client))) throw new Error(`the image ${id} is used by a container`)
      await removeImage(client, id)
    },
  }
}
