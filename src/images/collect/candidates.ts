/** Which images go, and in what order, as the kubelet decides it. Pure. */
export interface CollectionPolicy {
  /** Percent of the disk; from here on images are removed. 100: none is, for want of room. */
  readonly highThresholdPercent: number
  /** Until no more than this is used. */
  readonly lowThresholdPercent: number
  /** What was used or came less long ago stays. */
  readonly minimumAgeMs: number
  /** What was not used for so long goes, however much room there is; 0: stays. */
  readonly maximumAgeMs: number
}

/** The kubelet's. */
export const defaultPolicy: CollectionPolicy = {
  highThresholdPercent: 85,
  lowThresholdPercent: 80,
  minimumAgeMs: 2 * 60_000,
  maximumAgeMs: 0,
}

export interface Disk {
  readonly capacityBytes: number
  readonly availableBytes: number
}

export interface Candidate {
  readonly id: string
  readonly lastUsed: number
  readonly isHeld: boolean
}

export const isTooFull = ({ capacityBytes, availableBytes }: Disk, policy: CollectionPolicy): boolean =>
  capacityBytes > 0 &&
  policy.highThresholdPercent < 100 &&
  ((capacityBytes - availableBytes) / capacityBytes) * 100 >= policy.highThresholdPercent

/** How much has to go until the low threshold is reached. */
export const bytesOverLow = ({ capacityBytes, availableBytes }: Disk, policy: CollectionPolicy): number =>
  Math.max(0, Math.ceil((capacityBytes * (100 - policy.lowThresholdPercent)) / 100 - availableBytes))

/** Those that nobody uses, the longest unused first. */
export const removable = (
  images: readonly Candidate[],
  now: number,
  { minimumAgeMs }: CollectionPolicy,
): readonly Candidate[] =>
  images
    .filter(({ isHeld, lastUsed }) => !isHeld && now - lastUsed >= minimumAgeMs)
    .sort((a, b) => a.lastUsed - b.lastUsed || (a.id < b.id ? -1 : 1))

export const outlived = (images: readonly Candidate[], now: number, policy: CollectionPolicy): readonly Candidate[] =>
  policy.maximumAgeMs === 0
    ? []
    : removable(images, now, policy).filter(({ lastUsed }) => now - lastUsed >= policy.maximumAgeMs)
