/** What keeps the roots of images on the disk. */

/** The folders of an image's root, as an overlay takes them. */
export interface RootLayers {
  /** Layers are named relative to it. */
  readonly folder: string
  /** The lowest first. */
  readonly names: readonly string[]
  /** Which an overlay of these layers needs besides. */
  readonly mountOptions: readonly string[]
}

/** An image is named by its id; `user` is one container. All verbs are safe to repeat. */
export interface ImageRoots {
  /** Rejects when the image is not here (any more). */
  layersOf(image: string): Promise<RootLayers>
  /** From when this resolves until `release`, the image stays, also when this process is killed. */
  hold(image: string, user: string): Promise<void>
  release(image: string, user: string): Promise<void>
  held(): Promise<readonly { readonly image: string; readonly user: string }[]>
}
