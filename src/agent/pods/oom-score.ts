/** Whom the kernel ends first when the memory of the node runs out. Pure. */

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

/** As the kubelet says: from -1000, never, to 1000. */
export const oomScoreAdjustment = (qos: QosClass, requestBytes: number, nodeBytes: number): number => {
  if (qos === 'Guaranteed') return -997
  if (qos === 'BestEffort' || nodeBytes <= 0) return 1000
  const share = 1000 - Math.floor((1000 * requestBytes) / nodeBytes)
  // Between the two other classes.
  return Math.min(999, Math.max(3, share))
}
