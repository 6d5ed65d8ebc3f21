/** Room for new images: what is of no use goes, then images that nobody uses, for as long as the disk is too full. */
import { errorText } from '../../api/errors.ts'
import {
  bytesOverLow,
  type Candidate,
  type CollectionPolicy,
  type Disk,
  isTooFull,
  outlived,
  removable,
} from './candidates.ts'

/** Images on a disk, whoever keeps them. */
export interface ImageCollection {
  /** Removes what is of no image, but what came to be less long ago. */
  sweep(minimumAgeMs: number): Promise<void>
  /** All that there are now. */
  candidates(): Promise<readonly Candidate[]>
  /** Resolves to false when somebody has begun to use it. */
  remove(id: string): Promise<boolean>
  /** The disk that they are on, without those that were removed. */
  disk(): Promise<Disk>
}

export interface Collected {
  readonly removed: readonly string[]
  /** What could not be removed, and why, each in a sentence. The others went all the same. */
  readonly failures: readonly string[]
  /** How much was to be freed for the low threshold; 0: there was room. */
  readonly wantedBytes: number
  /** How much is still to be freed: nothing is left that may go. */
  readonly missingBytes: number
}

/** What nobody went on with may be taken up again for so long. */
const sweptAgeMs = 24 * 3_600_000

/** Safe to repeat, and to be killed half-way. */
export const collectImages = async (
  from: ImageCollection,
  policy: CollectionPolicy,
  now: () => number = Date.now,
): Promise<Collected> => {
  const removed: string[] = []
  const failures: string[] = []
  const sweep = (ageMs: number): Promise<void> =>
    from
      .sweep(ageMs)
      .catch((error: unknown) => void failures.push(`cannot remove what is of no image: ${errorText(error)}`))
  const tried = new Set<string>()
  const remove = async ({ id }: Candidate): Promise<void> => {
    if (tried.has(id)) return
    tried.add(id)
    try {
      if (await from.remove(id)) removed.push(id)
    } catch (error) {
      failures.push(`cannot remove the image ${id}: ${errorText(error)}`)
    }
  }

  await sweep(sweptAgeMs)
  for (const image of outlived(await from.candidates(), now(), policy)) await remove(image)
  const before = await from.disk()
  if (!isTooFull(before, policy)) return { removed, failures, wantedBytes: 0, missingBytes: 0 }
  await sweep(policy.minimumAgeMs)
  for (const image of removable(await from.candidates(), now(), policy)) {
    if (bytesOverLow(await from.disk(), policy) === 0) break
    await remove(image)
  }
  const missingBytes = bytesOverLow(await from.disk(), policy)
  return { removed, failures, wantedBytes: bytesOverLow(before, policy), missingBytes }
}
