/** One Ingress to rules. Pure. */
import type { IngressSettings } from '../annotations/settings.ts'
import { literally, literalStart, patternProblem } from '../policy/pattern.ts'
import { type PathRewrite, plainPolicy, type RoutePolicy } from '../policy/policy.ts'
import { type BackendRef, type BackendView, backendRef, firstPort, type IngressView, type PathView } from './model.ts'
import type { Origin, PathMatch, Route, RouteRule } from './rule.ts'
import { asBytes } from './rule-path.ts'

/** Which certificate a host of a TLS entry shows, and what it asks of clients. */
export interface HostTls {
  readonly host: string
  /** `namespace/name`; undefined: the default certificate. */
  readonly secret: string | undefined
}

export interface CompiledIngress {
  readonly rules: readonly RouteRule[]
  /** What this Ingress would have served that nobody serves; `general` when that is all it says. */
  readonly fallback: { readonly route: Route; readonly general: boolean } | undefined
  readonly backends: readonly BackendRef[]
  readonly tls: readonly HostTls[]
  /** Hosts whose connections are passed on as they come, and to whom. */
  readonly passthrough: readonly { readonly host: string; readonly backend: BackendRef }[]
  readonly problems: readonly string[]
}

const isCovered = (host: string, names: readonly string[]): boolean =>
  names.some((name) => name === host || (name.startsWith('*.') && host.replace(/^[^.]+/, '*') === name))

/** Why the path cannot be served, where it is a pattern. */
const problemOf = ({ path, exact }: PathView, { regex }: IngressSettings): string | undefined =>
  regex && !exact ? patternProblem(asBytes(path)) : undefined

/** Of a pattern that cannot be served, what is plain of it: nobody else must get what it may have been to guard. */
const pathMatch = (view: PathView, settings: IngressSettings): PathMatch => {
  const { path, exact } = view
  if (exact) return { kind: 'exact', path }
  if (!settings.regex) return { kind: 'prefix', path }
  const isBroken = problemOf(view, settings) !== undefined
  return { kind: 'regex', path: isBroken ? literally(literalStart(path).slice(0, 128)) : path, caseless: true }
}

const rewriteOf = (view: PathView, settings: IngressSettings): PathRewrite | undefined => {
  const { rewriteTarget: replacement } = settings
  if (replacement === undefined || problemOf(view, settings) !== undefined) return undefined
  return view.exact
    ? { kind: 'full', path: replacement.replace(/\$\d/g, '') }
    : { kind: 'regex', pattern: view.path, replacement }
}

/** What ingress-nginx says for hosts with a certificate. */
const defaultHsts = { maxAge: 31_536_000, includeSubDomains: true, preload: false }

const wwwName = (host: string): string | undefined => {
  if (host === '' || host.startsWith('*.')) return undefined
  return host.startsWith('www.') ? host.slice(4) : `www.${host}`
}

/** A request for any host names the host itself: who chooses the server that decides is its own judge. */
const isOwnJudge = ({ externalAuth }: RoutePolicy, host: string): boolean => {
  if (host !== '' || externalAuth === undefined) return false
  const text = externalAuth.url.map((part) => (typeof part === 'string' ? part : '$')).join('')
  return /^https?:\/\/[^/?#]*\$/.test(text)
}

export const compileIngress = (view: IngressView, settings: IngressSettings): CompiledIngress => {
  const [namespace = '', name = ''] = view.key.split('/')
  const backends = new Map<string, BackendRef>()
  const problems: string[] = []
  const tlsHosts = view.tls.flatMap(({ hosts }) => hosts)
  const rules: RouteRule[] = []

  const { policy: written } = settings
  const always = written.sslRedirect === 'always'
  /** For hosts with a certificate, and for those without: they are told not to ask for HTTPS that is not there. */
  const covered: RoutePolicy = {
    ...written,
    sslRedirect: written.sslRedirect === 'never' ? 'never' : 'always',
    hsts: written.hsts ?? defaultHsts,
  }
  const uncovered: RoutePolicy = { ...written, sslRedirect: always ? 'always' : 'never' }

  const use = ({ service, port }: BackendView): BackendRef => {
    const ref = backendRef(service, port, settings.serviceUpstream)
    backends.set(ref.key, ref)
    return ref
  }

  const errorBackend = (main: BackendRef | undefined): RoutePolicy['errorPages'] => {
    const { errorStatuses: statuses, defaultBackend: named } = settings
    if (statuses.length === 0 && named === undefined) return undefined
    const service = `${namespace}/${named}`
    const backend = named === undefined ? view.defaultBackend?.backend : { service, port: firstPort }
    const ref = backend && use(backend)
    return ref && ref.key !== main?.key ? { statuses, whenEmpty: named !== undefined, backend: ref.key } : undefined
  }

  const routeTo = (
    backend: BackendView | undefined,
    place: { readonly path: string; readonly where: string; readonly host: string; readonly problem?: string },
    rewrite?: PathRewrite,
  ): Route => {
    const ref = backend && use(backend)
    if (!ref) problems.push(`the backend of ${place.where} is not a Service port: it is answered with 503`)
    const origin: Origin = {
      ...{ kind: 'Ingress', namespace, name, path: place.path },
      service: backend?.service.split('/')[1] ?? '',
    }
    const errorPages = errorBackend(ref)
    const why = `auth-url: ${place.where} is for every host, which a client chooses: write the host of the auth server`
    const isOpen = isOwnJudge(written, place.host)
    const closed = isOpen ? why : place.problem
    if (closed !== undefined) problems.push(closed)
    const policy: RoutePolicy = {
      ...(isCovered(place.host, tlsHosts) ? covered : uncovered),
      ...(rewrite ? { rewrite: { ...settings.policy.rewrite, path: rewrite } } : {}),
      ...(errorPages ? { errorPages } : {}),
      ...(closed === undefined ? {} : { blocked: { status: 503, why: closed } }),
    }
    return { origin, policy, targets: [{ backend: ref?.key, status: 503, weight: 1 }] }
  }

  const add = (host: string, path: PathMatch, order: string, route: Route): void => {
    rules.push({
      ...{ host, path, created: view.created, order: `${view.key} ${order}`, route },
      ...(settings.canary ? { canary: settings.canary } : {}),
    })
  }

  const addHost = (host: string, paths: readonly PathView[]): void => {
    const shown = host || '*'
    for (const [at, each] of paths.entries()) {
      const where = `path "${each.path}" of host "${shown}"`
      const wrong = problemOf(each, settings)
      // Nobody is sent to a canary whose path is unknown; what it is a canary of stays as it is.
      if (wrong !== undefined && settings.canary) {
        problems.push(`${where}: ${wrong}`)
        continue
      }
      const problem = wrong === undefined ? {} : { problem: `${where}: ${wrong}; it is answered with 503` }
      const route = routeTo(each.backend, { path: each.path, where, host, ...problem }, rewriteOf(each, settings))
      add(host, pathMatch(each, settings), String(at).padStart(5, '0'), route)
    }
    if (view.defaultBackend) {
      const where = `host "${shown}" without a path`
      add(host, { kind: 'fallback' }, 'fallback', routeTo(view.defaultBackend.backend, { path: '/', where, host }))
    }
  }

  const addWwwRedirect = (host: string): void => {
    const other = wwwName(host)
    if (other === undefined || view.rules.some((rule) => rule.host === other)) return
    const origin: Origin = { kind: 'Ingress', namespace, name, path: '/', service: '' }
    const policy: RoutePolicy = { ...plainPolicy, redirect: { kind: 'parts', status: 308, host } }
    add(other, { kind: 'prefix', path: '/' }, 'www', { origin, policy, targets: [] })
  }

  for (const { host, paths } of view.rules) {
    addHost(host, paths)
    if (settings.wwwRedirect) addWwwRedirect(host)
  }
  const named = view.rules.find(({ host }) => host !== '')
  if (named) for (const alias of settings.aliases) addHost(alias, named.paths)

  const passthrough = settings.passthrough
    ? view.rules.flatMap(({ host, paths }) => {
        const backend = paths[0]?.backend
        return host !== '' && backend ? [{ host, backend: use(backend) }] : []
      })
    : []
  const fallback =
    view.defaultBackend && !settings.canary
      ? {
          route: routeTo(view.defaultBackend.backend, { path: '/', where: 'everything else', host: '' }),
          general: view.rules.length === 0,
        }
      : undefined
  const ruleHosts = view.rules.map(({ host }) => host).filter((host) => host !== '')
  const tls = view.tls.flatMap(({ hosts, secret }) =>
    (hosts.length > 0 ? hosts : ruleHosts).map((host) => ({ host, secret })),
  )
  return { rules, fallback, backends: [...backends.values()], tls, passthrough, problems: [...new Set(problems)] }
}
