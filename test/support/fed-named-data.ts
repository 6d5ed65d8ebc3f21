/** Secrets or ConfigMaps that are fed by hand. Only what somebody refers to is shown, as in the real one. */
import type { Data, NamedData } from '../../src/proxy/ingress/data/named-data.ts'

export interface FedNamedData extends NamedData {
  /** Undefined: it is deleted. */
  put(key: string, data: Data | undefined): void
  readonly retained: ReadonlySet<string>
}

export const createFedNamedData = (first: Readonly<Record<string, Data>> = {}): FedNamedData => {
  const stored = new Map(Object.entries(first))
  const handlers: ((key: string) => void)[] = []
  let retained: ReadonlySet<string> = new Set()
  return {
    put: (key, data) => {
      if (data) stored.set(key, data)
      else stored.delete(key)
      if (retained.has(key)) for (const handler of handlers) handler(key)
    },
    get retained() {
      return retained
    },
    get: (key) => (retained.has(key) ? stored.get(key) : undefined),
    retain: (keys) => {
      retained = keys
    },
    onChange: (handler) => void handlers.push(handler),
    settled: async () => {},
    run: async () => {},
  }
}
