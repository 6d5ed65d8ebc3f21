/** How the scheduler is set up: what of Kubernetes' KubeSchedulerConfiguration holds here. */

/** Where plug-ins take part, by the names of their seams. */
export const points = ['filter', 'score', 'reserve', 'permit', 'preBind', 'bind'] as const
export type Point = (typeof points)[number]

/** Changes what takes part by default. */
export interface PluginSet {
  readonly enabled: readonly { readonly name: string; readonly weight?: number }[]
  /** Names; `*` is all. */
  readonly disabled: readonly string[]
}

/** `multiPoint` is about all points, and comes before the set of a point itself. */
export type PluginSets = Readonly<Partial<Record<Point | 'multiPoint', PluginSet>>>

/** How pods of one `schedulerName` are scheduled. */
export interface ProfileConfiguration {
  readonly schedulerName: string
  /** Of so many nodes that fit, in percent of all, the best is taken. 0: fewer the more nodes there are. */
  readonly percentageOfNodesToScore: number
  readonly plugins: PluginSets
  /** What plug-ins of modules are given, by their names. */
  readonly args: ReadonlyMap<string, unknown>
}

export interface TlsConfiguration {
  /** Any certificate is taken. */
  readonly insecure: boolean
  readonly serverName?: string
  /** PEM, or files that hold it. */
  readonly ca?: PemSource
  readonly cert?: PemSource
  readonly key?: PemSource
}

export type PemSource = { readonly file: string } | { readonly data: string }

/** Somebody who is asked over HTTP; without a verb he is not asked for that. */
export interface ExtenderConfiguration {
  readonly urlPrefix: string
  readonly filterVerb: string
  readonly prioritizeVerb: string
  readonly preemptVerb: string
  readonly bindVerb: string
  readonly weight: number
  readonly tls: TlsConfiguration
  readonly timeoutMs: number
  /** Nodes are told by their names alone. */
  readonly nodeCacheCapable: boolean
  /** Only about pods that ask for these is he asked; about all when there are none. */
  readonly managedResources: readonly { readonly name: string; readonly ignoredByScheduler: boolean }[]
  /** Pods are scheduled without him when he does not answer. */
  readonly ignorable: boolean
}

export interface SchedulerConfiguration {
  readonly profiles: readonly ProfileConfiguration[]
  readonly extenders: readonly ExtenderConfiguration[]
  /** How long a pod that could not be scheduled waits: at first, and at most. */
  readonly backoffMs: { readonly base: number; readonly max: number }
}

/** By which pods ask for it, and what they say when they ask for none. */
export const defaultSchedulerName = 'default-scheduler'

export const defaultConfiguration: SchedulerConfiguration = {
  profiles: [{ schedulerName: defaultSchedulerName, percentageOfNodesToScore: 0, plugins: {}, args: new Map() }],
  extenders: [],
  backoffMs: { base: 1_000, max: 10_000 },
}
