/** Hostnames of listeners and routes: small letters, empty for every host, `*.` in front for one label or more. */

/** A precise hostname. Servers of another make may let anything through. */
export const isHostname = (name: unknown): boolean =>
  typeof name === 'string' &&
  name.length <= 253 &&
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(name)

/** Whether every host that `narrow` stands for is one of `wide`. */
export const covers = (wide: string, narrow: string): boolean =>
  wide === '' || wide === narrow || (wide.startsWith('*.') && narrow.endsWith(wide.slice(1)))

/** The hosts that both stand for: the narrower of the two, or undefined when they have none in common. */
export const intersection = (a: string, b: string): string | undefined => {
  if (covers(a, b)) return b
  return covers(b, a) ? a : undefined
}

const rank = (hostname: string): number => (hostname.startsWith('*.') || hostname === '' ? 0 : 1)

const bySpecificity = (a: string, b: string): number => rank(b) - rank(a) || b.length - a.length

/** The most specific of `hostnames` that covers `host`: the one whose listener gets its requests. */
export const ownerOf = (hostnames: Iterable<string>, host: string): string | undefined =>
  [...hostnames].filter((hostname) => covers(hostname, host)).sort(bySpecificity)[0]

/** As route rules are written, where `*.` is one label only. */
export const ruleHost = (hostname: string): string => (hostname.startsWith('*.') ? `*${hostname}` : hostname)
