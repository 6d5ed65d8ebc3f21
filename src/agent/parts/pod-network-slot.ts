/** Where the part that makes the pod network hands it to those that need it; with another range there is another one. */
import { aborted } from '../../api/clock.ts'
import type { PodNetworkStack } from '../pod-network-stack.ts'

export interface LivePodNetwork<Stack = PodNetworkStack> {
  readonly stack: Stack
  readonly podCIDRs: readonly string[]
  /** Aborts when there will be another one, or none. */
  readonly signal: AbortSignal
}

export interface PodNetworkSlot<Stack = PodNetworkStack> {
  offer(network: LivePodNetwork<Stack>): void
  /** Uses one after the other, each as long as it lasts, until `signal` aborts. Rejects when `use` does. */
  each(signal: AbortSignal, use: (network: LivePodNetwork<Stack>, signal: AbortSignal) => Promise<void>): Promise<void>
}

export const createPodNetworkSlot = <Stack = PodNetworkStack>(): PodNetworkSlot<Stack> => {
  let next = Promise.withResolvers<LivePodNetwork<Stack>>()
  return {
    offer: (network) => {
      next.resolve(network)
      network.signal.addEventListener(
        'abort',
        () => {
          next = Promise.withResolvers()
        },
        { once: true },
      )
    },
    each: async (signal, use) => {
      while (!signal.aborted) {
        const network = await Promise.race([next.promise, aborted(signal)])
        if (network) await use(network, AbortSignal.any([signal, network.signal]))
      }
    },
  }
}
