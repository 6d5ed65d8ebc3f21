/** To whom a question goes: the servers of the longest stub domain that holds the name, else everybody's. */
import type { Clock } from '../../api/clock.ts'
import type { DnsConfig } from '../config/config.ts'
import type { Upstream } from '../config/upstream.ts'
import { createForwarder, type Forwarder } from './forwarder.ts'

export interface RouterOptions {
  readonly config: Pick<DnsConfig, 'forward' | 'stubDomains'>
  readonly onResult?: (upstream: Upstream, ok: boolean, seconds: number) => void
  readonly clock?: Clock
}

export interface Router {
  /** `name` in lower case, without the last dot. */
  of(name: string): Forwarder
  /** All servers, each once for each group it is in. */
  readonly groups: readonly { readonly upstreams: readonly Upstream[]; readonly forwarder: Forwarder }[]
  close(): void
}

export const createRouter = ({ config, ...options }: RouterOptions): Router => {
  const main = createForwarder({ ...config.forward, ...options })
  const stubs = new Map(
    Object.entries(config.stubDomains).map(([domain, each]) => [
      domain,
      { upstreams: each.upstreams, forwarder: createForwarder({ ...each, ...options }) },
    ]),
  )
  const groups = [{ upstreams: config.forward.upstreams, forwarder: main }, ...stubs.values()]
  return {
    groups,
    of: (name) => {
      if (stubs.size === 0) return main
      for (let at = 0; ; ) {
        const stub = stubs.get(name.slice(at))
        if (stub) return stub.forwarder
        const dot = name.indexOf('.', at)
        if (dot < 0) return main
        at = dot + 1
      }
    },
    close: () => {
      for (const { forwarder } of groups) forwarder.close()
    },
  }
}
