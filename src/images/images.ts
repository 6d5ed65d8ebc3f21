/** Images of containers on this node: what others use of this room. */
import type { ImageCredentials } from './credentials.ts'
import type { Digest } from './digest.ts'

/** What an image says of the containers that are made of it. All of it was written by whoever made the image. */
export interface ImageConfig {
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  /** `NAME=value`, in order; each has a name. */
  readonly env: readonly string[]
  /** `user`, `uid`, `user:group` …; empty: root. */
  readonly user: string
  /** Absolute; empty: `/`. */
  readonly workingDir: string
  /** `SIGTERM` or a number; empty: the usual one. */
  readonly stopSignal: string
  /** `80/tcp` */
  readonly exposedPorts: readonly string[]
  /** Absolute paths for which the image wishes a volume. */
  readonly volumes: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

export interface Image {
  /** The digest of its configuration: what `imageID` and `crictl images` call the image's id. */
  readonly id: Digest
  /** With registry and tag: `docker.io/library/nginx:1.27`. Sorted. */
  readonly names: readonly string[]
  /** By which registries know it: `docker.io/library/nginx@sha256:…`. Sorted. */
  readonly digests: readonly string[]
  /** What it takes on the disk; layers that images share are counted for each. */
  readonly bytes: number
  readonly config: ImageConfig
  /** What of it this node could not make, each in a sentence: owners that do not exist here, devices. For an Event. */
  readonly limitations: readonly string[]
}

/** How far a pull is. */
export interface PullProgress {
  readonly doneBytes: number
  /** Of what is to be downloaded, as the manifest says. */
  readonly totalBytes: number
  readonly layersDone: number
  readonly layers: number
}

export interface PullOptions {
  /** Tried one after the other; without any, or when none fits, the registry is asked as anybody. */
  readonly credentials?: ImageCredentials
  readonly onProgress?: (progress: PullProgress) => void
  readonly signal?: AbortSignal
}

/** Rejects with `ImageError` in all its members. One who asks twice at the same time for the same gets one answer. */
export interface Images {
  /** The image that a name, a name with a digest, or an id (`sha256:…`) stands for here. Undefined: it is to be pulled. */
  find(reference: string): Promise<Image | undefined>
  /** Brings what the registry has under this name now. Retrying is the caller's. */
  pull(reference: string, options?: PullOptions): Promise<Image>
  list(): Promise<readonly Image[]>
  /** Rejects for one that is held. Removing what is not there is fine. */
  remove(id: Digest): Promise<void>
}

/** The folders of an image's root, as an overlay takes them. */
export interface RootLayers {
  /** Layers are named relative to it, so that many of them fit into the one page that mount options may have. */
  readonly folder: string
  /** The lowest first. */
  readonly names: readonly string[]
  /** Which an overlay of these layers needs besides `lowerdir`: layers of an ordinary user have `userxattr`. */
  readonly mountOptions: readonly string[]
}

/** What keeps the root of a container's image on the disk. */
export interface Roots {
  /** Rejects when the image is not here (any more). */
  layersOf(image: Digest): Promise<RootLayers>
  /**
   * From when this resolves until `release`, the image and its layers stay, also when this process is killed. `user` is one
   * container: letters, digits, `.`, `_` and `-`. Holding twice is holding once.
   */
  hold(image: Digest, user: string): Promise<void>
  release(image: Digest, user: string): Promise<void>
  /** Who holds what: after a restart, those that are gone are to be released. */
  held(): Promise<readonly { readonly image: Digest; readonly user: string }[]>
}
