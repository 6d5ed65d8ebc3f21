/** Waits for the addresses that the cluster gives to this node's pods, and says what it waits for. */
import { aborted, type Clock, systemClock } from '../api/clock.ts'
import type { Informer } from '../api/informer.ts'
import { podCIDRsOf } from '../api/nodes.ts'
import { nodes as nodeResource } from '../api/resources.ts'
import type { Node } from '../api/types/index.ts'
import type { Logger } from '../host/log.ts'
import type { WatchFailures } from './watch-failures.ts'

export interface RangesWait {
  readonly nodes: Informer<Node>
  readonly nodeName: string
  readonly failures: Pick<WatchFailures, 'last'>
  readonly log: Logger
  readonly clock?: Clock
}

const lookMs = 5_000

/** Why they are not known yet. */
export const missingRanges = ({ nodes, nodeName, failures }: Omit<RangesWait, 'log' | 'clock'>): string => {
  if (!nodes.isSynced)
    return `the nodes are not known: ${failures.last(nodeResource) ?? 'the API server has not answered yet'}`
  if (!nodes.get(nodeName)) return `there is no Node "${nodeName}" (see --node-name)`
  return `Node "${nodeName}" has no podCIDR yet (the control plane gives it: kube-controller-manager with --allocate-node-cidrs)`
}

/** None when `signal` aborts first. */
export const untilRanges = async (wait: RangesWait, signal: AbortSignal): Promise<readonly string[]> => {
  const { nodes, nodeName, log, clock = systemClock } = wait
  const over = new AbortController()
  const found = Promise.withResolvers<readonly string[]>()
  nodes.onChange(
    (key, node) => {
      const ranges = podCIDRsOf(node)
      if (key === nodeName && ranges.length > 0) found.resolve(ranges)
    },
    AbortSignal.any([signal, over.signal]),
  )
  let told: string | undefined
  let cancel = (): void => undefined
  const tell = (): void => {
    const why = missingRanges(wait)
    if (why !== told) log.warn(`waiting for the pod network: ${why}`)
    told = why
    cancel = clock.after(lookMs, tell)
  }
  cancel = clock.after(lookMs, tell)
  const ranges = await Promise.race([found.promise, aborted(signal).then(() => [])])
  cancel()
  over.abort()
  return ranges
}
