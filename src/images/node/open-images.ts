/** All of a node's images, for its agent: the store, and the registries that they come from. */
import type { CommandRunner } from '../../host/command.ts'
import { counted } from '../../host/counted.ts'
import type { CollectionPolicy } from '../collect/candidates.ts'
import { collectImages } from '../collect/collect.ts'
import { asImageError } from '../image-error.ts'
import type { Images, Roots } from '../images.ts'
import { readAbilities } from '../layer/abilities.ts'
import { type OpenStore, openImageStore } from '../store/image-store.ts'
import type { Pulls, PullsOptions } from './pulls.ts'

export interface NodeImagesOptions extends PullsOptions {
  /** Below what the agent keeps. Others may have it open, too. */
  readonly folder: string
  readonly runner: CommandRunner
  /** Told in one sentence of damaged files, and of what could not be done as it should. */
  readonly onNotice: (message: string) => void
  readonly now?: () => number
}

/** Told of each pass that did not do what it should. `wantedBytes` is 0 when it could not be made at all. */
export type OnCollectionFailure = (
  message: string,
  wanted: { readonly wantedBytes: number; readonly missingBytes: number },
) => void

export interface NodeImages {
  readonly images: Images
  readonly roots: Roots
  readonly store: OpenStore
  /** Makes room, where there is too little, now and every few minutes until `close`. */
  startCollecting(policy: CollectionPolicy, onFailure?: OnCollectionFailure): void
  /** Removes all images that nobody uses, but those that are younger than `minimumAgeMs`. */
  removeUnused(minimumAgeMs: number): Promise<void>
  /** Ends connections, and waits for what is being written to the disk. */
  close(): Promise<void>
}

/** As the kubelet does. */
const collectEveryMs = 5 * 60_000

export const openNodeImages = async (options: NodeImagesOptions): Promise<NodeImages> => {
  const { folder, runner, onNotice, now = Date.now } = options
  const store = await openImageStore({ folder, runner, abilities: await readAbilities(), onNotice, now })
  const timers: NodeJS.Timeout[] = []
  let collecting: Promise<void> | undefined
  let pulls: Promise<Pulls> | undefined

  const loadPulls = async (): Promise<Pulls> => (await import('./pulls.ts')).createPulls(store, options)

  const collect = async (policy: CollectionPolicy, onFailure: OnCollectionFailure): Promise<void> => {
    const failed: OnCollectionFailure = (message, wanted) => {
      onNotice(message)
      onFailure(message, wanted)
    }
    try {
      const { removed, ...wanted } = await collectImages({ store, now }, policy)
      if (removed.length > 0)
        onNotice(`the disk is too full: removed ${counted(removed.length, 'image')} that nobody uses`)
      if (wanted.missingBytes > 0)
        failed(
          `the disk is too full: ${counted(wanted.missingBytes, 'byte')} more must be freed, and all other images are in use or new`,
          wanted,
        )
    } catch (error) {
      failed(asImageError(error, 'cannot make room for images').message, { wantedBytes: 0, missingBytes: 0 })
    }
  }

  return {
    store,
    removeUnused: async (minimumAgeMs) => {
      // Whatever is used of the disk is too much.
      const policy = { highThresholdPercent: 0, lowThresholdPercent: 0, minimumAgeMs, maximumAgeMs: 0 }
      await collectImages({ store, now }, policy)
    },
    startCollecting: (policy, onFailure = () => undefined) => {
      const again = (): void => {
        collecting ??= collect(policy, onFailure).finally(() => {
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
      pull: async (name, pullOptions = {}) => {
        pulls ??= loadPulls()
        return (await pulls).pull(name, pullOptions)
      },
    },
    close: async () => {
      timers.forEach(clearInterval)
      await collecting
      await (await pulls)?.close()
      await store.close()
    },
  }
}
