/** A page for people: what is served here, by whom, how it goes, and what is wrong. Pure. */
import { counted } from '../../../host/counted.ts'
import type { PathTable } from '../routes/match.ts'
import type { RouteProblem, RoutingUpdate } from '../routes/routing.ts'
import type { Route } from '../routes/rule.ts'
import type { Series } from '../thread/statistics.ts'

export interface StatusFacts {
  readonly node: string
  readonly state: RoutingUpdate
  readonly series: readonly Series[]
  readonly connections: number
  readonly problems: readonly RouteProblem[]
}

export interface RouteLine {
  readonly entry: string
  readonly host: string
  readonly path: string
  readonly kind: string
  readonly source: string
  readonly backends: readonly string[]
  readonly endpoints: readonly string[]
}

const kindsOf = ({ exact, prefix, regexes, fallback }: PathTable): readonly (readonly [string, readonly Route[]])[] => [
  ...[...exact.values()].map((routes) => ['exact', routes] as const),
  ...[...prefix.values()].map((routes) => ['prefix', routes] as const),
  ...regexes.map(({ routes }) => ['pattern', routes] as const),
  ...(fallback ? [['everything else', [fallback]] as const] : []),
]

/** Every route of every entry, sorted as people look for them. */
export const routeLines = ({ tables, backends }: RoutingUpdate): readonly RouteLine[] => {
  const known = new Map(backends)
  const lines = tables.flatMap(({ entry, hosts }) =>
    hosts.flatMap(([host, paths]) =>
      (paths ? kindsOf(paths) : []).flatMap(([kind, routes]) =>
        routes.map(({ origin, targets, canary }) => {
          const keys = [...targets, ...(canary?.targets ?? [])].flatMap(({ backend }) => backend ?? [])
          return {
            ...{ entry, kind, host: host === '' ? '*' : host.replace('**.', '*.'), path: origin.path },
            source: `${origin.kind} ${origin.namespace}/${origin.name}`,
            backends: keys,
            endpoints: keys.flatMap((key) => known.get(key)?.endpoints.map((endpoint) => endpoint.key) ?? []),
          }
        }),
      ),
    ),
  )
  return lines.sort((a, b) => (`${a.host} ${a.path} ${a.entry}` < `${b.host} ${b.path} ${b.entry}` ? -1 : 1))
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const html = (text: string | number): string => String(text).replace(/[&<>"]/g, (each) => escapes[each] ?? each)

const table = (heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  `<table><thead><tr>${heads.map((head) => `<th>${html(head)}</th>`).join('')}</tr></thead><tbody>${rows
    .map((row) => `<tr>${row.map((cell) => `<td>${html(cell)}</td>`).join('')}</tr>`)
    .join('')}</tbody></table>`

const style = `body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1d2733}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
th{text-align:left;color:#5b6b7d;font-weight:600}td,th{padding:.25rem .75rem .25rem 0;border-bottom:1px solid #e4e9ee;vertical-align:top}
.bad{color:#b3261e}.none{color:#5b6b7d}@media(prefers-color-scheme:dark){body{background:#14191f;color:#d7dee6}td,th{border-color:#2a333d}}`

interface Sum {
  requests: number
  errors: number
  seconds: number
}

const sumBySource = (series: readonly Series[]): ReadonlyMap<string, Sum> => {
  const sums = new Map<string, Sum>()
  for (const { labels, count, seconds } of series) {
    const key = `${labels['namespace']}/${labels['ingress']} ${labels['host']} ${labels['path']}`
    const sum = sums.get(key) ?? { requests: 0, errors: 0, seconds: 0 }
    sums.set(key, sum)
    sum.requests += count
    sum.seconds += seconds
    if (labels['status']?.startsWith('5')) sum.errors += count
  }
  return sums
}

/** One page without anything from elsewhere. */
export const statusPage = ({ node, state, series, connections, problems }: StatusFacts): string => {
  const sums = sumBySource(series)
  const rows = routeLines(state).map(({ entry, host, path, kind, source, endpoints }) => {
    const [, name = ''] = source.split(' ')
    const { requests = 0, errors = 0, seconds = 0 } = sums.get(`${name} ${host} ${path}`) ?? {}
    const mean = requests === 0 ? '' : `${((seconds / requests) * 1000).toFixed(1)} ms`
    return [
      host,
      path,
      kind,
      entry,
      source,
      endpoints.length === 0 ? 'none' : endpoints.join(' '),
      requests,
      errors,
      mean,
    ]
  })
  const heads = ['Host', 'Path', 'Match', 'Entry', 'From', 'Endpoints', 'Requests', '5xx', 'Mean']
  const wrong = problems.map(({ ingress, message }) => [ingress, message])
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Ingress of ${html(node)}</title><style>${style}</style>
<h1>Ingress of ${html(node)}</h1><p>${html(counted(rows.length, 'route'))}, ${html(counted(connections, 'connection'))} open</p>
${wrong.length === 0 ? '' : `<h2 class="bad">Not as written</h2>${table(['Ingress', 'What'], wrong)}`}
<h2>Routes</h2>${rows.length === 0 ? '<p class="none">Nothing is served: there is no Ingress of this class.</p>' : table(heads, rows)}</html>
`
}
