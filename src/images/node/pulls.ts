/** Pulls of a node. Loaded by the first of them: most agents and commands start without one. */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { noCredentials } from '../credentials.ts'
import { ImageError } from '../image-error.ts'
import type { Image, PullOptions } from '../images.ts'
import { formatReference, parseReference, repositoryName } from '../reference.ts'
import { createHttpClient, type HttpTimeouts } from '../registry/http-client.ts'
import { pullImage } from '../registry/pull.ts'
import { createRegistries, parseRegistries, type Registries } from '../registry/registries.ts'
import type { OpenStore } from '../store/image-store.ts'

export interface PullsOptions {
  /** Mirrors, authorities and logins, as k3s' `registries.yaml`; read anew for each pull. Missing: the usual one, if it is there. */
  readonly registriesFile?: string
  /** Registries, as `host:port`, that have no TLS. */
  readonly plainHttp?: readonly string[]
  readonly timeouts?: HttpTimeouts
}

export interface Pulls {
  /** As `Images.pull`. */
  pull(reference: string, options: PullOptions): Promise<Image>
  /** Ends connections. */
  close(): Promise<void>
}

const defaultRegistriesFile = '/etc/podway/registries.yaml'

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

export const createPulls = (store: OpenStore, options: PullsOptions): Pulls => {
  const { registriesFile, plainHttp = [], timeouts } = options
  const http = createHttpClient(timeouts)
  const pulling = new Map<string, Promise<Image>>()

  const pull: Pulls['pull'] = async (name, pullOptions) => {
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

  return { pull, close: http.close }
}
