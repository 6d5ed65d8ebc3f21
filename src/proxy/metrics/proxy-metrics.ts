/** The service proxy in numbers, under kube-proxy's own names, so that its dashboards and alerts go on working. */

import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { type Clock, systemClock } from '../../api/clock.ts'
import type { HttpReply } from '../../host/http-listener.ts'
import type { IpFamily } from '../../ip/address.ts'
import type { ProxyObserver, RuleCounts } from '../observer.ts'

/** What is counted when somebody asks. */
export interface ProxyFacts {
  /** Rules in the kernel. */
  rules(): RuleCounts
  /** Services whose policy is Local and that have endpoints on other nodes only. */
  withoutLocalEndpoints(): { readonly internal: number; readonly external: number }
  /** Packets that were dropped because no connection knows them. */
  invalidDropped(): Promise<number>
}

export interface ProxyMetrics extends ProxyObserver {
  /** Tells where the numbers of a family's proxy come from. */
  add(family: IpFamily, facts: ProxyFacts): void
  /** A probe of `/healthz` or `/livez` was answered. */
  probed(path: string, status: number): void
  /** Connections of UDP clients were forgotten. */
  cleaned(family: IpFamily, entries: number, seconds: number): void
  /** `/metrics` in Prometheus' text format, and `/proxyMode`. */
  answer(path: string): Promise<HttpReply>
}

const doubling = (first: number, count: number): number[] => Array.from({ length: count }, (_, n) => first * 2 ** n)
const steps = (first: number, last: number, step: number): number[] =>
  Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, n) => first + n * step)

const syncBuckets = doubling(0.001, 15)
const programmingBuckets = [0.25, 0.5, ...steps(1, 59, 1), ...steps(60, 115, 5), ...steps(120, 300, 30)]

const familyLabel = 'ip_family' as const

/** Changes that the kernel does not show yet: those the running sync took, and those that came after. */
interface Pending {
  taken: number
  waiting: number
}

interface FamilyState {
  readonly service: Pending
  readonly endpoints: Pending
  triggers: { taken: number[]; waiting: number[] }
}

const newState = (): FamilyState => ({
  service: { taken: 0, waiting: 0 },
  endpoints: { taken: 0, waiting: 0 },
  triggers: { taken: [], waiting: [] },
})

/** `more`: what others have to show at the same place. */
export const createProxyMetrics = (
  mode: string,
  more: () => readonly Registry[] = () => [],
  clock: Clock = systemClock,
): ProxyMetrics => {
  const registry = new Registry()
  const registers = [registry]
  const began = clock.now()
  const labelNames = [familyLabel] as const
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `kubeproxy_${name}`, help, buckets, labelNames, registers })
  const gauge = (name: string, help: string) => new Gauge({ name: `kubeproxy_${name}`, help, labelNames, registers })
  const counter = (name: string, help: string) =>
    new Counter({ name: `kubeproxy_${name}`, help, labelNames, registers })

  const durations = {
    all: histogram('sync_proxy_rules_duration_seconds', 'How long a sync takes', syncBuckets),
    full: histogram('sync_full_proxy_rules_duration_seconds', 'How long a sync of everything takes', syncBuckets),
    partial: histogram('sync_partial_proxy_rules_duration_seconds', 'How long a sync of changes takes', syncBuckets),
  }
  const programming = histogram(
    'network_programming_duration_seconds',
    "From a change of a Service or a pod to the kernel's rules",
    programmingBuckets,
  )
  const lastSync = gauge('sync_proxy_rules_last_timestamp_seconds', 'When the last sync ended well')
  const lastQueued = gauge('sync_proxy_rules_last_queued_timestamp_seconds', 'When the last change came')
  const total = {
    service: counter('sync_proxy_rules_service_changes_total', 'Changes of Services'),
    endpoints: counter('sync_proxy_rules_endpoint_changes_total', 'Changes of endpoints'),
  }
  const pending = {
    service: gauge('sync_proxy_rules_service_changes_pending', 'Changes of Services that rules do not show yet'),
    endpoints: gauge('sync_proxy_rules_endpoint_changes_pending', 'Changes of endpoints that rules do not show yet'),
  }
  const failures = {
    all: counter('sync_proxy_rules_iptables_restore_failures_total', 'Syncs that failed'),
    partial: counter('sync_proxy_rules_iptables_partial_restore_failures_total', 'Syncs of changes that failed'),
  }
  const tableLabels = [familyLabel, 'table'] as const
  const rulesNow = new Gauge({
    name: 'kubeproxy_sync_proxy_rules_iptables_total',
    help: 'Rules in the kernel',
    labelNames: tableLabels,
    registers,
  })
  const rulesWritten = new Gauge({
    name: 'kubeproxy_sync_proxy_rules_iptables_last',
    help: 'Rules that the last sync wrote',
    labelNames: tableLabels,
    registers,
  })
  const withoutLocal = new Gauge({
    name: 'kubeproxy_sync_proxy_rules_no_local_endpoints_total',
    help: 'Services under policy Local whose endpoints are all on other nodes',
    labelNames: [familyLabel, 'traffic_policy'],
    registers,
  })
  const probes = {
    '/healthz': new Counter({
      name: 'kubeproxy_proxy_healthz_total',
      help: 'Answers of /healthz',
      labelNames: ['code'],
      registers,
    }),
    '/livez': new Counter({
      name: 'kubeproxy_proxy_livez_total',
      help: 'Answers of /livez',
      labelNames: ['code'],
      registers,
    }),
  }
  const cleanedEntries = counter('conntrack_reconciler_deleted_entries_total', 'UDP connections forgotten')
  // Counted by the kernel, from zero again with each rewrite of its rule.
  const invalidDropped = gauge(
    'iptables_ct_state_invalid_dropped_packets_total',
    'Packets dropped because no connection knows them',
  )
  const cleaning = histogram('conntrack_reconciler_sync_duration_seconds', 'How long that takes', syncBuckets)

  const sources = new Map<IpFamily, ProxyFacts>()
  const states = new Map<IpFamily, FamilyState>()
  const stateOf = (family: IpFamily): FamilyState => {
    const state = states.get(family) ?? newState()
    states.set(family, state)
    return state
  }
  const kinds = ['service', 'endpoints'] as const
  const seconds = (): number => clock.now() / 1000

  const gather = async (): Promise<void> => {
    for (const [family, facts] of sources) {
      invalidDropped.set({ ip_family: family }, await facts.invalidDropped())
      for (const [table, count] of Object.entries(facts.rules())) rulesNow.set({ ip_family: family, table }, count)
      for (const [policy, count] of Object.entries(facts.withoutLocalEndpoints()))
        withoutLocal.set({ ip_family: family, traffic_policy: policy }, count)
    }
    for (const [family, state] of states)
      for (const kind of kinds) pending[kind].set({ ip_family: family }, state[kind].taken + state[kind].waiting)
  }

  return {
    add: (family, facts) => {
      sources.set(family, facts)
      for (const one of [failures.all, failures.partial, total.service, total.endpoints, cleanedEntries])
        one.inc({ ip_family: family }, 0)
    },
    changed: (ip_family, kind, trigger) => {
      const state = stateOf(ip_family)
      state[kind].waiting++
      total[kind].inc({ ip_family })
      lastQueued.set({ ip_family }, seconds())
      // What happened before we were there was not for us to program.
      if (trigger !== undefined && trigger >= began) state.triggers.waiting.push(trigger)
    },
    started: (ip_family) => {
      const { triggers, ...pendings } = stateOf(ip_family)
      for (const kind of kinds) {
        pendings[kind].taken += pendings[kind].waiting
        pendings[kind].waiting = 0
      }
      triggers.taken.push(...triggers.waiting.splice(0))
    },
    synced: (ip_family, { kind, seconds: took, written }) => {
      const { triggers, ...pendings } = stateOf(ip_family)
      durations.all.observe({ ip_family }, took)
      durations[kind].observe({ ip_family }, took)
      lastSync.set({ ip_family }, seconds())
      for (const each of kinds) pendings[each].taken = 0
      for (const trigger of triggers.taken.splice(0))
        programming.observe({ ip_family }, Math.max(0, clock.now() - trigger) / 1000)
      for (const [table, count] of Object.entries(written)) rulesWritten.set({ ip_family, table }, count)
    },
    failed: (ip_family, kind) => {
      failures.all.inc({ ip_family })
      if (kind === 'partial') failures.partial.inc({ ip_family })
    },
    probed: (path, status) => {
      if (path === '/healthz' || path === '/livez') probes[path].inc({ code: String(status) })
    },
    cleaned: (ip_family, entries, took) => {
      cleanedEntries.inc({ ip_family }, entries)
      cleaning.observe({ ip_family }, took)
    },
    answer: async (path) => {
      if (path === '/proxyMode') return { status: 200, headers: { 'content-type': 'text/plain' }, body: mode }
      if (path !== '/metrics') return { status: 404, body: 'not found: try /metrics\n' }
      await gather()
      return {
        status: 200,
        headers: { 'content-type': registry.contentType },
        body: await Registry.merge([registry, ...more()]).metrics(),
      }
    },
  }
}
