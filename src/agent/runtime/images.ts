/** What the images of containers come to on this node. */
import type { StringMap } from '../../api/types/index.ts'
import type { RegistryLogin } from '../../images/registry/docker-config.ts'

/** What an image says about its containers. */
export interface ImageConfig {
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  readonly env: StringMap
  /** As the image has it: `nginx`, `1000:www`; empty for root. */
  readonly user: string
  /** Empty for `/`. */
  readonly workingDir: string
  /** As `SIGQUIT`. */
  readonly stopSignal?: string
}

export interface ListedImage {
  /** What its containers are started by: the digest of its configuration. */
  readonly id: string
  /** As a registry knows it, and users see it: `docker.io/library/nginx@sha256:…`. */
  readonly digest: string
  /** All its names on this node, tags and digests. */
  readonly names: readonly string[]
  readonly sizeBytes: number
}

export interface Image extends ListedImage {
  readonly config: ImageConfig
  /** What of it this node could not make, each in a sentence. */
  readonly limitations: readonly string[]
}

/** A reference that names no image, whoever is asked. */
export class InvalidImageName extends Error {
  override readonly name = 'InvalidImageName'

  constructor(reference: string) {
    super(`couldn't parse image name "${reference}": invalid reference format`)
  }
}

export interface Images {
  /** The one that is here by this name. Throws `InvalidImageName`. */
  find(reference: string): Promise<Image | undefined>
  /** Fetches it, or what has changed of it. Throws `InvalidImageName`, and an Error whose message is for the user. */
  pull(reference: string, logins: readonly RegistryLogin[], signal: AbortSignal): Promise<Image>
  list(): Promise<readonly ListedImage[]>
  /** Throws when a container uses it. One that is not here: nothing happens. */
  remove(id: string): Promise<void>
}
