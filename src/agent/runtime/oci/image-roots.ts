/** What keeps the roots of images on the disk. */
import type { RootLayers } from '../../../images/images.ts'

/**
 * The image store's `Roots` as containers on record need them: an image is named by its id, `user` is one container. All verbs are
 * safe to repeat.
 */
export interface ImageRoots {
  /** Rejects when the image is not here (any more). */
  layersOf(image: string): Promise<RootLayers>
  /** From when this resolves until `release`, the image stays, also when this process is killed. */
  hold(image: string, user: string): Promise<void>
  release(image: string, user: string): Promise<void>
  held(): Promise<readonly { readonly image: string; readonly user: string }[]>
}
