/** What to do about the image of a container that is to be started. Pure. */
import type { Container } from '../../api/types/index.ts'
import type { Image } from '../runtime/images.ts'
import type { Waiting } from './plan.ts'

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never'

/** What became of fetching an image for a pod. */
export interface PullState {
  readonly isRunning: boolean
  /** When it was fetched, in milliseconds since 1970. */
  readonly pulledAt?: number
  /** Missing after a success. `count`: in a row. */
  readonly failure?: { readonly message: string; readonly at: number; readonly count: number }
}

export interface ContainerImageView {
  readonly reference: string
  readonly policy: PullPolicy
  /** Missing: not on the node. */
  readonly found: Image | undefined
  /** Why the reference names no image. */
  readonly invalid?: string
  /** Why nobody can tell whether it is on the node. */
  readonly unreadable?: string
  readonly pull: PullState
}

export type ImageStep =
  /** The container can be started. */
  | 'use'
  | 'pull'
  /** Until `at`, or until something happens. */
  | { readonly waiting: Waiting | undefined; readonly at?: number }

/** The kubelet's: 10 s after the first failure, 20 s, … 5 min. */
const backOff = { baseMs: 10_000, maxMs: 300_000 }
/** How soon to look again at images that cannot be looked at. */
const inspectMs = 2_000
/** For so long a failure is shown as what it was, and then as a wait. */
const freshMs = 2_000

/** The tag `latest` may be another image every day. */
export const pullPolicyOf = ({ image = '', imagePullPolicy }: Container): PullPolicy =>
  imagePullPolicy ?? (/@|:(?!latest$)[^/]*$/.test(image) ? 'IfNotPresent' : 'Always')

const afterFailure = (
  { reference }: ContainerImageView,
  { message, at, count }: NonNullable<PullState['failure']>,
  now: number,
): ImageStep => {
  const retryAt = at + Math.min(backOff.baseMs * 2 ** (count - 1), backOff.maxMs)
  if (now >= retryAt) return 'pull'
  if (now < at + freshMs) return { waiting: { reason: 'ErrImagePull', message }, at: at + freshMs }
  return { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${reference}"` }, at: retryAt }
}

/** `endedAt`: when the instance before ended, or 0. What is fetched later is fresh enough for the policy Always. */
export const imageStep = (view: ContainerImageView, endedAt: number, now: number): ImageStep => {
  const { reference, policy, found, invalid, unreadable, pull } = view
  if (invalid !== undefined) {
    const message = `Failed to apply default image tag "${reference}": ${invalid}`
    return { waiting: { reason: 'InvalidImageName', message } }
  }
  if (unreadable !== undefined) {
    const message = `Failed to inspect image "${reference}": ${unreadable}`
    return { waiting: { reason: 'ImageInspectError', message }, at: now + inspectMs }
  }
  if (policy === 'Never' && !found) {
    const message = `Container image "${reference}" is not present with pull policy of Never`
    return { waiting: { reason: 'ErrImageNeverPull', message } }
  }
  if (found && (policy !== 'Always' || (pull.pulledAt ?? -1) >= endedAt)) return 'use'
  if (pull.isRunning) return { waiting: undefined }
  return pull.failure ? afterFailure(view, pull.failure, now) : 'pull'
}
