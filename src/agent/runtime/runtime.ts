/** What runs pods, in small seams: whoever needs one of them takes that one. */
import type { Capabilities } from './capabilities.ts'
import type { Containers } from './containers.ts'
import type { Images } from './images.ts'
import type { Sandboxes } from './sandboxes.ts'
import type { Stats } from './stats.ts'
import type { Streams } from './streams.ts'

export interface Runtime {
  /** Of one kind: `process`. It is the handler of RuntimeClasses, and what containers' ids begin with in the API. */
  readonly name: string
  readonly sandboxes: Sandboxes
  readonly containers: Containers
  readonly images: Images
  readonly streams: Streams
  readonly stats: Stats
  readonly capabilities: Capabilities
  /** It has ways of its own to run pods, whose names RuntimeClasses can have as handlers. */
  readonly hasHandlers?: boolean
  /** Notices ends until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

/** Called with the sandbox's id when it, or a container in it, ends by itself. */
export type OnChange = (sandbox: string) => void

/** Told in one sentence of a pod whose files are damaged: it is ended, and forgotten. */
export type OnDamage = (message: string) => void

export type RuntimeFactory = (onChange: OnChange, onDamage: OnDamage) => Runtime
