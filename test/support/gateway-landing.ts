/** Which rule a request lands on: the precedence of the Gateway API, spelled out slowly over a list of rules. */
import type { PortListener } from '../../src/proxy/ingress/gateway/compile.ts'
import type { Conditions, PathMatch, RouteRule, ValueMatch } from '../../src/proxy/ingress/routes/rule.ts'

export interface Asked {
  readonly host: string
  /** With the query. */
  readonly target: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

const matchesPath = (match: PathMatch, path: string): boolean => {
  switch (match.kind) {
    case 'exact':
      return path === match.path
    case 'prefix':
      return `${path}/`.startsWith(`${match.path.replace(/\/$/, '')}/`)
    case 'regex':
      return new RegExp(`^(?:${match.path})`).test(path)
    case 'fallback':
      return true
  }
}

const holds = ({ value, regex }: ValueMatch, given: string | null | undefined): boolean =>
  given !== undefined && given !== null && (regex ? new RegExp(value).test(given) : value === given)

const conditionsHold = ({ method, headers, query }: Conditions, asked: Asked, given: URLSearchParams): boolean =>
  (method === undefined || method === (asked.method ?? 'GET')) &&
  headers.every((header) => holds(header, asked.headers?.[header.name])) &&
  query.every((field) => holds(field, given.get(field.name)))

const pathRank = (match: PathMatch): number =>
  match.kind === 'exact' ? 1e6 : match.kind === 'fallback' ? -1 : match.path.length

/** The bigger, the better; what ties is decided by age and order. */
const ranks = ({ path, route: { conditions } }: RouteRule): readonly number[] => [
  pathRank(path),
  conditions?.method === undefined ? 0 : 1,
  conditions?.headers.length ?? 0,
  conditions?.query.length ?? 0,
]

const text = ({ created, order }: RouteRule): string => `${created} ${order}`

const better = (a: RouteRule, b: RouteRule): number => {
  const other = ranks(b)
  const difference = ranks(a).map((rank, at) => (other[at] ?? 0) - rank)
  return difference.find((each) => each !== 0) ?? (text(a) < text(b) ? -1 : 1)
}

/** The host itself, then ever wider ones. */
const hostsFor = (host: string): readonly string[] => {
  const labels = host.split('.')
  return [host, ...labels.slice(1).map((_, at) => `**.${labels.slice(at + 1).join('.')}`), '']
}

export const land = ({ rules, sealed }: PortListener, asked: Asked): RouteRule | undefined => {
  const url = new URL(asked.target, 'http://host')
  for (const host of hostsFor(asked.host)) {
    const found = rules.filter(
      (rule) =>
        rule.host === host &&
        matchesPath(rule.path, url.pathname) &&
        (!rule.route.conditions || conditionsHold(rule.route.conditions, asked, url.searchParams)),
    )
    const [best] = found.sort(better)
    if (best) return best
    if (sealed.includes(host)) return undefined
  }
  return undefined
}
