/** What a Lease says of who leads. Pure. */
import { formatMicroTime } from '../api/clock.ts'
import type { Lease } from '../api/types/index.ts'

export type LeaseRecord = NonNullable<Lease['spec']>

/** Another one's claim, and since when this process knows it as it is: nobody else's clock is trusted. */
export interface Sighting {
  readonly renewTime: string | undefined
  readonly holder: string
  readonly seenAt: number
}

/** `before` stays as long as the holder has not renewed. */
export const sight = (before: Sighting | undefined, record: LeaseRecord | undefined, now: number): Sighting => {
  const holder = record?.holderIdentity ?? ''
  const renewTime = record?.renewTime
  if (before && before.holder === holder && before.renewTime === renewTime) return before
  return { holder, renewTime, seenAt: now }
}

/** How long until this claim has run out; 0 when nobody holds it. */
export const remainingMs = ({ holder, seenAt }: Sighting, record: LeaseRecord | undefined, now: number): number =>
  holder === '' ? 0 : Math.max(0, seenAt + (record?.leaseDurationSeconds ?? 0) * 1000 - now)

/** The record of one who takes over, or goes on. */
export const claim = (
  identity: string,
  durationSeconds: number,
  before: LeaseRecord | undefined,
  now: number,
): LeaseRecord => {
  const time = formatMicroTime(now)
  const isOurs = before?.holderIdentity === identity
  const transitions = before?.leaseTransitions ?? 0
  return {
    holderIdentity: identity,
    leaseDurationSeconds: durationSeconds,
    acquireTime: isOurs ? (before.acquireTime ?? time) : time,
    renewTime: time,
    leaseTransitions: isOurs || !before ? transitions : transitions + 1,
  }
}

/** The record of one who goes: the next need not wait. */
export const released = (before: LeaseRecord, now: number): LeaseRecord => ({
  ...before,
  holderIdentity: '',
  leaseDurationSeconds: 1,
  renewTime: formatMicroTime(now),
})
