/** A small cluster that changes at random, for property tests. */
import { type EndpointDraft, makeService, makeSlice } from './objects.ts'
import type { Random } from './random.ts'
import type { Objects } from './rules.ts'

export interface World {
  /** Makes one random change and tells which Service it was. */
  change(): string
  readonly objects: ReadonlyMap<string, Objects>
}

const states: readonly [Partial<EndpointDraft>, ...Partial<EndpointDraft>[]] = [
  { ready: true },
  { ready: true },
  { ready: false, serving: true, terminating: true },
  { ready: false, serving: false },
]

const policy = (random: Random) => random.pick(['Cluster', 'Cluster', 'Local'] as const)

const makeEndpoints = (random: Random): EndpointDraft[] =>
  Array.from({ length: random.pick([0, 1, 1, 2, 3, 20]) }, () => ({
    address: random.chance(0.5) ? `10.1.0.${random.below(60)}` : `10.1.9.${random.below(60)}`,
    node: random.pick(['here', 'away']),
    ...random.pick(states),
  }))

/** Services in clustered addresses, some sharing external addresses and node ports. */
const makeObjects = (number: number, random: Random): Objects => {
  const name = `web-${number}`
  const spread = random.chance(0.8) ? number % 64 : number * 37
  const service = makeService({
    name,
    clusterIP: random.chance(0.05) ? 'None' : `10.96.${spread >> 8}.${spread & 255}`,
    type: random.pick(['ClusterIP', 'ClusterIP', 'NodePort', 'LoadBalancer'] as const),
    ports: [{ name: 'http', port: 80 + random.below(3), nodePort: 30_000 + number * 3 }],
    externalIPs: random.chance(0.2) ? [`203.0.113.${random.below(20)}`] : [],
    ingress: random.chance(0.2) ? [{ ip: `198.51.100.${random.below(20)}` }] : [],
    loadBalancerSourceRanges: random.chance(0.3) ? ['10.0.0.0/8'] : [],
    sessionAffinity: random.pick(['None', 'None', 'ClientIP'] as const),
    internalTrafficPolicy: policy(random),
    externalTrafficPolicy: policy(random),
  })
  return { service, slices: [makeSlice(makeEndpoints(random), { service: name })] }
}

/** Up to `size` Services, named `default/web-N`. */
export const createWorld = (random: Random, size: number): World => {
  const objects = new Map<string, Objects>()
  return {
    objects,
    change: () => {
      const number = random.below(size)
      const key = `default/web-${number}`
      const known = objects.get(key)
      if (known && random.chance(0.2)) objects.delete(key)
      else if (known && random.chance(0.6))
        objects.set(key, { ...known, slices: [makeSlice(makeEndpoints(random), { service: `web-${number}` })] })
      else objects.set(key, makeObjects(number, random))
      return key
    },
  }
}
