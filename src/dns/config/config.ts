/** What the operator of a node may say of its DNS. */
import type { Upstream } from './upstream.ts'

export type ForwardPolicy = 'sequential' | 'random' | 'round-robin'

/** Servers that are asked together. */
export interface ForwardConfig {
  readonly upstreams: readonly Upstream[]
  readonly policy: ForwardPolicy
  readonly timeoutMs: number
  /** More questions at a time are refused. */
  readonly maxConcurrent: number
  readonly forceTcp: boolean
  /** With these results of one server the next is asked. */
  readonly failover: readonly number[]
}

export interface CacheConfig {
  readonly maxEntries: number
  readonly maxTtl: number
  readonly maxNegativeTtl: number
  /** Ask again for what is still asked for when a tenth of its time is left. */
  readonly prefetch: boolean
  /** How long an old answer serves when nobody gives a new one; 0: never. */
  readonly staleSeconds: number
}

export interface RewriteRule {
  readonly kind: 'exact' | 'suffix'
  /** Lower case, without the last dot. */
  readonly from: string
  readonly to: string
}

export interface SkyConfig {
  /** Below these a name that nobody has published does not exist; other published names stand beside what others say. */
  readonly zones: readonly string[]
  /** `http://192.0.2.1:2379`: where more records are, beside ConfigMaps. */
  readonly etcd: readonly string[]
  readonly prefix: string
}

export interface DnsConfig {
  readonly ttl: number
  /** Names of pods (`10-244-1-2.default.pod.cluster.local`): of those that exist, or none. */
  readonly pods: 'verified' | 'disabled'
  /** Without upstreams of its own, those of the node's resolv.conf are asked. */
  readonly forward: ForwardConfig
  /** By domain; the longest that fits is asked. */
  readonly stubDomains: Readonly<Record<string, ForwardConfig>>
  /** Undefined: nothing is remembered. */
  readonly cache: CacheConfig | undefined
  readonly hosts: readonly { readonly address: string; readonly names: readonly string[] }[]
  readonly rewrites: readonly RewriteRule[]
  /** Of so many queries one is written to the log; 0: none. */
  readonly logOneOf: number
  readonly skydns: SkyConfig
  /** Walk pods' search lists for them. */
  readonly searchCompletion: boolean
}

export const defaultForward: ForwardConfig = {
  upstreams: [],
  policy: 'sequential',
  timeoutMs: 2_000,
  maxConcurrent: 1_000,
  forceTcp: false,
  failover: [],
}

/** CoreDNS' numbers. */
export const defaultCache: CacheConfig = {
  maxEntries: 9_984,
  maxTtl: 3_600,
  maxNegativeTtl: 1_800,
  prefetch: true,
  staleSeconds: 3_600,
}

export const defaultSky: SkyConfig = { zones: ['skydns.local'], etcd: [], prefix: '/skydns' }

export const defaultDnsConfig: DnsConfig = {
  ttl: 30,
  pods: 'verified',
  forward: defaultForward,
  stubDomains: {},
  cache: defaultCache,
  hosts: [],
  rewrites: [],
  logOneOf: 0,
  skydns: defaultSky,
  searchCompletion: false,
}
