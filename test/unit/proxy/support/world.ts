/** A small cluster that changes at random, for property tests. */
import type { IpFamily } from '../../../../src/ip/address.ts'
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

/** The n-th address of a place, in either family. */
const places = {
  IPv4: { service: '10.96', here: '10.1.0', away: '10.1.9', external: '203.0.113', balancer: '198.51.100' },
  IPv6: { service: 'fd00:96:', here: 'fd00:1:', away: 'fd00:9:', external: '2001:db8:1:', balancer: '2001:db8:2:' },
} as const

type Place = keyof typeof places.IPv4

const address = (family: IpFamily, place: Place, number: number): string => {
  if (family === 'IPv6') return `${places.IPv6[place]}:${number.toString(16)}`
  return `${places.IPv4[place]}.${place === 'service' ? `${number >> 8}.` : ''}${number & 255}`
}

const policy = (random: Random) => random.pick(['Cluster', 'Cluster', 'Local'] as const)

const makeEndpoints = (random: Random, family: IpFamily): EndpointDraft[] =>
  Array.from({ length: random.pick([0, 1, 1, 2, 3, 20]) }, () => ({
    address: address(family, random.pick(['here', 'away']), random.below(60)),
    node: random.pick(['here', 'away']),
    ...random.pick(states),
  }))

const makeSlices = (number: number, random: Random, family: IpFamily) => [
  makeSlice(makeEndpoints(random, family), { service: `web-${number}`, addressType: family }),
]

/** Services in clustered addresses, some sharing external addresses and node ports. */
const makeObjects = (number: number, random: Random, family: IpFamily): Objects => {
  const name = `web-${number}`
  const spread = random.chance(0.8) ? number % 64 : number * 37
  const service = makeService({
    name,
    annotations: { 'podway.dev/load-balancing': random.pick(['round-robin', 'round-robin', 'random']) },
    clusterIP: random.chance(0.05) ? 'None' : address(family, 'service', spread),
    type: random.pick(['ClusterIP', 'ClusterIP', 'NodePort', 'LoadBalancer'] as const),
    ports: [{ name: 'http', port: 80 + random.below(3), nodePort: 30_000 + number * 3 }],
    externalIPs: random.chance(0.2) ? [address(family, 'external', random.below(20))] : [],
    ingress: random.chance(0.2) ? [{ ip: address(family, 'balancer', random.below(20)) }] : [],
    loadBalancerSourceRanges: random.chance(0.3) ? [family === 'IPv4' ? '10.0.0.0/8' : 'fd00::/16'] : [],
    sessionAffinity: random.pick(['None', 'None', 'ClientIP'] as const),
    internalTrafficPolicy: policy(random),
    externalTrafficPolicy: policy(random),
  })
  return { service, slices: makeSlices(number, random, family) }
}

/** Up to `size` Services, named `default/web-N`. */
export const createWorld = (random: Random, size: number, family: IpFamily = 'IPv4'): World => {
  const objects = new Map<string, Objects>()
  return {
    objects,
    change: () => {
      const number = random.below(size)
      const key = `default/web-${number}`
      const known = objects.get(key)
      if (known && random.chance(0.2)) objects.delete(key)
      else if (known && random.chance(0.6)) objects.set(key, { ...known, slices: makeSlices(number, random, family) })
      else objects.set(key, makeObjects(number, random, family))
      return key
    },
  }
}
