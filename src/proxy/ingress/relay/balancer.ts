/** Chooses an endpoint for each request: round robin. */
import type { Endpoint } from '../routes/endpoints.ts'
import type { BackendKey } from '../routes/model.ts'

export interface Balancer {
  /** Replaces the endpoints of a backend. */
  set(backend: BackendKey, endpoints: readonly Endpoint[]): void
  /** Forgets every backend that is not among `backends`. */
  retain(backends: ReadonlySet<BackendKey>): void
  /** The next endpoint in turn that is not among `tried`; undefined when there is none. */
  pick(backend: BackendKey, tried: readonly Endpoint[]): Endpoint | undefined
  /** Whether any backend has this endpoint. */
  has(endpoint: string): boolean
}

interface Rotation {
  readonly endpoints: readonly Endpoint[]
  next: number
}

/** `onGone` learns of each endpoint that has left the last backend it belonged to. */
export const createBalancer = (onGone: (endpoint: string) => void): Balancer => {
  const rotations = new Map<BackendKey, Rotation>()
  const uses = new Map<string, number>()

  const use = (endpoints: readonly Endpoint[]): void => {
    for (const { key } of endpoints) uses.set(key, (uses.get(key) ?? 0) + 1)
  }
  const disuse = (endpoints: readonly Endpoint[]): void => {
    for (const { key } of endpoints) {
      const left = (uses.get(key) ?? 0) - 1
      if (left > 0) uses.set(key, left)
      else if (uses.delete(key)) onGone(key)
    }
  }

  return {
    set: (backend, endpoints) => {
      const previous = rotations.get(backend)
      // Counted in before the old ones are counted out: an endpoint that stays is never gone.
      use(endpoints)
      if (previous) disuse(previous.endpoints)
      rotations.set(backend, { endpoints, next: previous?.next ?? 0 })
    },
    retain: (backends) => {
      for (const [backend, { endpoints }] of rotations) {
        if (backends.has(backend)) continue
        rotations.delete(backend)
        disuse(endpoints)
      }
    },
    pick: (backend, tried) => {
      const rotation = rotations.get(backend)
      if (rotation === undefined) return undefined
      const { endpoints } = rotation
      for (let looked = 0; looked < endpoints.length; looked++) {
        const endpoint = endpoints[rotation.next++ % endpoints.length]
        if (endpoint && !tried.some(({ key }) => key === endpoint.key)) return endpoint
      }
      return undefined
    },
    has: (endpoint) => uses.has(endpoint),
  }
}
