/** Whether Services on this node are as the API says: `/healthz` and `/livez` as kube-proxy serves them. */

import { type Clock, systemClock } from '../../api/clock.ts'
import type { Informer } from '../../api/informer.ts'
import type { Node } from '../../api/types/index.ts'
import type { HttpReply } from '../../host/http-listener.ts'
import type { IpFamily } from '../../ip/address.ts'
import type { ProxyObserver } from '../observer.ts'

export interface ProxyHealthOptions {
  readonly nodeName: string
  /** Missing where nobody watches nodes: then the node is taken to be there. */
  readonly nodes?: Informer<Node>
  /** The IP families that must be in sync before the node is healthy. */
  readonly families: readonly IpFamily[]
  readonly clock?: Clock
}

export interface ProxyHealth extends ProxyObserver {
  /** In sync: no change waits for too long. */
  readonly isHealthy: boolean
  answer(path: string): HttpReply
}

/** A change that waits for longer has met a fault. Twice the period after which kube-proxy tries again. */
const maxWaitMs = 60_000

/** Load balancers shall let go of a node that is about to be removed. */
const removalTaint = 'ToBeDeletedByClusterAutoscaler'

interface FamilyState {
  /** Since when a change waits. */
  waitingSince: number | undefined
  /** Since when one waits that came after the current sync began. */
  nextSince: number | undefined
  updated: number | undefined
}

export const createProxyHealth = (options: ProxyHealthOptions): ProxyHealth => {
  const { nodeName, nodes, families, clock = systemClock } = options
  const started = clock.now()
  const states = new Map<IpFamily, FamilyState>(
    families.map((family) => [family, { waitingSince: started, nextSince: undefined, updated: undefined }]),
  )

  const isHealthy = (): boolean =>
    [...states.values()].every(
      ({ updated, waitingSince }) =>
        updated !== undefined && (waitingSince === undefined || clock.now() - waitingSince <= maxWaitMs),
    )

  const isEligible = (): boolean => {
    if (!nodes) return true
    const node = nodes.get(nodeName)
    return (
      node !== undefined &&
      node.metadata.deletionTimestamp === undefined &&
      !(node.spec?.taints ?? []).some(({ key }) => key === removalTaint)
    )
  }

  /** While nothing waits, what is there is as of now. */
  const lastUpdated = (): number => {
    const times = [...states.values()].map(({ waitingSince, updated }) =>
      waitingSince === undefined ? clock.now() : (updated ?? started),
    )
    return Math.min(...times)
  }

  return {
    get isHealthy() {
      return isHealthy()
    },
    answer: (path) => {
      if (path !== '/healthz' && path !== '/livez') return { status: 404, body: 'not found: try /healthz or /livez\n' }
      const nodeEligible = isEligible()
      const ok = isHealthy() && (path === '/livez' || nodeEligible)
      const facts = {
        lastUpdated: new Date(lastUpdated()).toISOString(),
        currentTime: new Date(clock.now()).toISOString(),
        ...(path === '/healthz' ? { nodeEligible } : {}),
      }
      const headers = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' }
      return { status: ok ? 200 : 503, headers, body: JSON.stringify(facts) }
    },
    changed: (family) => {
      const state = states.get(family)
      if (!state) return
      state.waitingSince ??= clock.now()
      state.nextSince ??= clock.now()
    },
    started: (family) => {
      const state = states.get(family)
      if (state) state.nextSince = undefined
    },
    synced: (family) => {
      const state = states.get(family)
      if (!state) return
      state.updated = clock.now()
      state.waitingSince = state.nextSince
    },
    failed: (family) => {
      const state = states.get(family)
      if (state) state.waitingSince ??= clock.now()
    },
  }
}
