/** Requests of the proxy's own: to auth servers and mirrors, whose names are looked up as those of backends are. */
import type { LookupFunction } from 'node:net'
import type { Agent, Dispatcher } from 'undici'

export type OutsideRequest = Omit<Dispatcher.RequestOptions, 'origin' | 'path' | 'method'> & {
  readonly method: string
}

export interface Outside {
  ask(url: string, options: OutsideRequest): Promise<Dispatcher.ResponseData>
  close(): void
}

export const createOutside = (lookup: LookupFunction): Outside => {
  let agent: Agent | undefined
  return {
    ask: async (url, options) => {
      // Loaded by those alone who use it: it is large.
      const undici = await import('undici')
      agent ??= new undici.Agent({ connect: { lookup } })
      return undici.request(url, { ...options, method: options.method as Dispatcher.HttpMethod, dispatcher: agent })
    },
    close: () => void agent?.destroy(),
  }
}
