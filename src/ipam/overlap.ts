import { type IpFamily, parseAddress } from '../ip/address.ts'
import { type Cidr, cidrOf, contains, hostCidr, overlaps, parseCidr } from '../ip/cidr.ts'
/** Ranges that must have nothing in common with each other, nor with what is there already. Pure. */

export interface NamedRange {
  /** As its owner knows it: `--cluster-cidr`. */
  readonly name: string
  readonly cidr: string
}

export interface Surroundings {
  /** Where the machine sends packets, but for the default route and what is ours. */
  readonly routes: readonly { readonly destination: string; readonly device: string }[]
  /** The addresses of its name servers. */
  readonly resolvers: readonly string[]
}

/** Private networks that people rarely use for anything else come first (RFC 1918, RFC 4193). */
const candidates: Readonly<Record<IpFamily, (prefixLength: number) => readonly Cidr[]>> = {
  IPv4: (prefixLength) =>
    prefixLength < 12
      ? []
      : [
          ...Array.from({ length: 240 }, (_, at) => `10.${(244 + at) % 256 || 1}.0.0`),
          ...Array.from({ length: 16 }, (_, at) => `172.${16 + at}.0.0`),
          '192.168.0.0',
        ].flatMap((base) => parseCidr(`${base}/${Math.max(prefixLength, 16)}`) ?? []),
  IPv6: (prefixLength) =>
    Array.from({ length: 256 }, (_, at) => `fd${at.toString(16).padStart(2, '0')}:706f:6477::`).flatMap(
      (base) => parseCidr(`${base}/${Math.max(prefixLength, 48)}`) ?? [],
    ),
}

const routeCidr = (destination: string): Cidr | undefined => {
  if (destination === 'default') return undefined
  const text = destination.includes('/') ? destination : hostCidr(destination)
  const cidr = parseCidr(text)
  return cidr && cidr.bits > 0 ? cidr : undefined
}

/** A network as large as the range (or nearly so) that nothing is in; undefined when there is none. */
const suggest = (range: Cidr, taken: readonly Cidr[]): string | undefined => {
  const free = candidates[range.family](range.bits).find((each) => !taken.some((other) => overlaps(each, other)))
  return free?.text
}

/** A sentence for each overlap, with a range that would do; none when all is well. Throws for what is no range. */
export const findOverlaps = (ranges: readonly NamedRange[], { routes, resolvers }: Surroundings): readonly string[] => {
  const parsed = ranges.map(({ name, cidr }) => ({ name, text: cidr, cidr: cidrOf(cidr) }))
  const routed = routes.flatMap(({ destination, device }) => {
    const cidr = routeCidr(destination)
    return cidr ? [{ cidr, text: `the route to ${destination} by ${device}` }] : []
  })
  const servers = resolvers.flatMap((text) => {
    const address = parseAddress(text)
    return address ? [{ address, text }] : []
  })
  const taken = [...parsed.map(({ cidr }) => cidr), ...routed.map(({ cidr }) => cidr)]
  return parsed.flatMap(({ name, text, cidr }, at) => {
    const others = parsed.slice(0, at).filter((other) => overlaps(other.cidr, cidr))
    const found = [
      ...others.map((other) => `${other.name} ${other.text}`),
      ...routed.filter((route) => overlaps(route.cidr, cidr)).map((route) => route.text),
      ...servers.filter(({ address }) => contains(cidr, address)).map((server) => `the name server ${server.text}`),
    ]
    const free = suggest(cidr, taken)
    const cure = free ? `; ${free} is free` : ''
    return found.map((what) => `${name} ${text} overlaps ${what}${cure}`)
  })
}
