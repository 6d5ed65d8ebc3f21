/** Limits of a pod's traffic: the annotations that ask for them, and the queues that keep them. Pure. */

import { parseQuantity } from '../api/quantity.ts'
import type { StringMap } from '../api/types/index.ts'
import { type Line, line } from '../host/iproute.ts'

/** Bits a second; missing: no limit. Ingress is what the pod receives. */
export interface Bandwidth {
  readonly ingress?: number
  readonly egress?: number
}

const least = 1_000
const most = 1e15

/** True for rates that the kubelet would take. */
export const fitsBandwidth = ({ ingress = least, egress = least }: Bandwidth): boolean =>
  [ingress, egress].every((rate) => rate >= least && rate <= most)

const nano = 1_000_000_000n

/** Reads `kubernetes.io/ingress-bandwidth` and `…egress-bandwidth` (`10M`). Throws with what is wrong. */
export const annotatedBandwidth = (annotations: StringMap = {}): Bandwidth => {
  const read = (direction: 'ingress' | 'egress'): number | undefined => {
    const name = `kubernetes.io/${direction}-bandwidth`
    const text = annotations[name]
    if (text === undefined) return undefined
    const rate = Number((parseQuantity(text) ?? 0n) / nano)
    if (rate < least || rate > most)
      throw new Error(`annotation ${name}: ${text} is no rate from 1k to 1P bits a second, such as 10M`)
    return rate
  }
  const [ingress, egress] = [read('ingress'), read('egress')]
  return { ...(ingress === undefined ? {} : { ingress }), ...(egress === undefined ? {} : { egress }) }
}

/** A burst lets a sender fill the time between two ticks of the clock: a tenth of a second, and no less than two packets. */
const burstBytes = (rate: number): number => Math.min(Math.max(Math.ceil(rate / 8 / 10), 3_200), 2 ** 31)

/** The line for tc that limits what leaves a device. */
export const shapeLine = (device: string, rate: number): Line =>
  line`qdisc replace dev ${device} root tbf rate ${rate}bit burst ${burstBytes(rate)}b latency 25ms`
