/** Makes room on the disk of images, where there is too little, from time to time. */
import { counted } from '../../host/counted.ts'
import { asImageError } from '../image-error.ts'
import type { CollectionPolicy } from './candidates.ts'
import { collectImages, type ImageCollection } from './collect.ts'

/** Told of each pass that did not do what it should. `wantedBytes` is 0 when it was not for want of room. */
export type OnCollectionFailure = (
  message: string,
  wanted: { readonly wantedBytes: number; readonly missingBytes: number },
) => void

export interface CollectorOptions {
  readonly from: ImageCollection
  /** Told in one sentence of what was done, and of what could not be. */
  readonly onNotice: (message: string) => void
  readonly now?: () => number
}

export interface Collector {
  /** Now and every few minutes until `close`. */
  start(policy: CollectionPolicy, onFailure?: OnCollectionFailure): void
  /** Removes all images that nobody uses, but those that are younger than `minimumAgeMs`. */
  removeUnused(minimumAgeMs: number): Promise<void>
  /** Waits for the pass that goes on. */
  close(): Promise<void>
}

/** As the kubelet does. */
const collectEveryMs = 5 * 60_000

const none = { wantedBytes: 0, missingBytes: 0 }

export const createCollector = ({ from, onNotice, now = Date.now }: CollectorOptions): Collector => {
  const timers: NodeJS.Timeout[] = []
  let collecting: Promise<void> | undefined

  const collect = async (policy: CollectionPolicy, onFailure: OnCollectionFailure): Promise<void> => {
    const failed: OnCollectionFailure = (message, wanted) => {
      onNotice(message)
      onFailure(message, wanted)
    }
    try {
      const { removed, failures, ...wanted } = await collectImages(from, policy, now)
      for (const failure of failures) failed(failure, none)
      if (removed.length > 0)
        onNotice(`the disk is too full: removed ${counted(removed.length, 'image')} that nobody uses`)
      if (wanted.missingBytes > 0)
        failed(
          `the disk is too full: ${counted(wanted.missingBytes, 'byte')} more must be freed, and all other images are in use or new`,
          wanted,
        )
    } catch (error) {
      failed(asImageError(error, 'cannot make room for images').message, none)
    }
  }

  return {
    start: (policy, onFailure = () => undefined) => {
      const again = (): void => {
        collecting ??= collect(policy, onFailure).finally(() => {
          collecting = undefined
        })
      }
      again()
      // Nobody's end waits for it.
      timers.push(setInterval(again, collectEveryMs).unref())
    },
    removeUnused: async (minimumAgeMs) => {
      // Whatever is used of the disk is too much.
      const policy = { highThresholdPercent: 0, lowThresholdPercent: 0, minimumAgeMs, maximumAgeMs: 0 }
      const { failures } = await collectImages(from, policy, now)
      failures.forEach(onNotice)
    },
    close: async () => {
      timers.forEach(clearInterval)
      await collecting
    },
  }
}
