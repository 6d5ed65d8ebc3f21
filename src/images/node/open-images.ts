/** All of a node's images, for its agent: the store, and the registries that they come from. */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { CommandRunner } from '../../host/command.ts'
import { counted } from '../../host/counted.ts'
import type { CollectionPolicy } from '../collect/candidates.ts'
import { collectImages } from '../collect/collect.ts'
import { noCredentials } from '../credentials.ts'
import { asImageError, ImageError } from '../image-error.ts'
import type { Image, Images, PullOptions, Roots } from '../images.ts'
import { readAbilities } from '../layer/abilities.ts'
import { formatReference, parseReference, repositoryName } from '../reference.ts'
import { createHttpClient, defaultTimeouts, type HttpTimeouts } from '../registry/http-client.ts'
import { pullImage } from '../registry/pull.ts'
import { createRegistries, parseRegistries, type Registries } from '../registry/registries.ts'
import { type OpenStore, openImageStore } from '../store/image-store.ts'

export interface NodeImagesOptions {
  /** Below what the agent keeps. Others may have it open, too. */
  readonly folder: string
  readonly runner: CommandRunner
  /** Mirrors, authorities and logins, as k3s' `registries.yaml`; read anew for each pull. Missing: the usual one, if it is there. */
  readonly registriesFile?: string
  /** Registries, as `host:port`, that have no TLS. */
  readonly plainHttp?: readonly string[]
  /** Told in one sentence of damaged files, and of what could not be done as it should. */
  readonly onNotice: (message: string) => void
  readonly timeouts?: HttpTimeouts
  readonly now?: () => number
}

export interface NodeImages {
  readonly images: Images
  readonly roots: Roots
  readonly store: OpenStore
  /** Makes room, where there is too little, now and every few minutes until `close`. Told of what cannot be had. */
  startCollecting(policy: CollectionPolicy): void
  /** Ends connections, and waits for what is being written to the disk. */
  close(): Promise<void>
}

/** As the kubelet does. */
const collectEveryMs = 5 * 60_000

export const defaultRegistriesFile = '/etc/podway/registries.yaml'

const textOf = async (file: string | undefined): Promise<string> => {
  if (file !== undefined) return readFile(file, 'utf8')
  return readFile(defaultRegistriesFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
}

const readRegistries = async (file: string | undefined, plainHttp: readonly string[]): Promise<Registries> => {
  try {
    const settings = parseRegistries(await textOf(file), (path) => readFileSync(path, 'utf8'))
    return createRegistries({ ...settings, plainHttp: new Set(plainHttp) })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    // Whoever says where images come from shall not be passed over.
    throw new ImageError('unavailable', `${file ?? defaultRegistriesFile}: ${why}`, error)
  }
}

export const openNodeImages = async (options: NodeImagesOptions): Promise<NodeImages> => {
  const {
    folder,
    runner,
    registriesFile,
    plainHttp = [],
    onNotice,
    timeouts = defaultTimeouts,
    now = Date.now,
  } = options
  const store = await openImageStore({ folder, runner, abilities: await readAbilities(), onNotice, now })
  const http = createHttpClient(timeouts)
  const pulling = new Map<string, Promise<Image>>()
  const timers: NodeJS.Timeout[] = []
  let collecting: Promise<void> | undefined

  const collect = async (policy: CollectionPolicy): Promise<void> => {
    try {
      const { removed, missingBytes } = await collectImages({ store, now }, policy)
      if (removed.length > 0)
        onNotice(`the disk is too full: removed ${counted(removed.length, 'image')} that nobody uses`)
      if (missingBytes > 0)
        onNotice(
          `the disk is too full: ${counted(missingBytes, 'byte')} more must be freed, and all other images are in use or new`,
        )
    } catch (error) {
      onNotice(asImageError(error, 'cannot make room for images').message)
    }
  }

  const pull = async (name: string, pullOptions: PullOptions): Promise<Image> => {
    const reference = parseReference(name)
    const { credentials = noCredentials } = pullOptions
    // Who may see an image is the registry's to say: whoever shows something else asks for himself.
    const shown = hash('sha256', JSON.stringify(credentials.for(repositoryName(reference))))
    const key = `${formatReference(reference)} ${shown}`
    const same = pulling.get(key)
    if (same)
      return same.catch((error: unknown) =>
        error instanceof ImageError ? Promise.reject(error) : pull(name, pullOptions),
      )
    const mine = readRegistries(registriesFile, plainHttp)
      .then((registries) => pullImage({ store, http, registries }, reference, pullOptions))
      .finally(() => pulling.delete(key))
    pulling.set(key, mine)
    return mine
  }

  return {
    store,
    startCollecting: (policy) => {
      const again = (): void => {
        collecting ??= collect(policy).finally(() => {
          collecting = undefined
        })
      }
      again()
      // Nobody's end waits for it.
      timers.push(setInterval(again, collectEveryMs).unref())
    },
    roots: store.roots,
    images: {
      find: store.images.find,
      list: store.images.list,
      remove: store.images.remove,
      pull: (name, pullOptions = {}) => pull(name, pullOptions),
    },
    close: async () => {
      timers.forEach(clearInterval)
      await collecting
      await http.close()
      await store.close()
    },
  }
}
