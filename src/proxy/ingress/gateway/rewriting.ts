/** Filters that send requests elsewhere or change where they are sent to, of rules and of single backends. */
import type { HttpPathModifier, HttpRequestRedirect, HttpRouteFilter } from '../../../api/types/index.ts'
import type { PathRewrite, Redirect, Rewrite } from '../policy/policy.ts'
import type { PathMatch } from '../routes/rule.ts'
import { rulePath } from '../routes/rule-path.ts'
import { modifierProblem } from './fields.ts'
import { isHostname } from './hostnames.ts'
import type { Problem } from './model.ts'

/** Where a policy is for: redirects and prefix rewrites depend on it. */
export interface Place {
  readonly path: PathMatch
  /** The listener's. */
  readonly port: number
}

const withoutSlash = (path: string): string => path.replace(/\/$/, '')

/** A prefix can be replaced only where one has matched; validation refuses anything else. */
const pathRewrite = (modifier: HttpPathModifier | undefined, path: PathMatch): PathRewrite | undefined => {
  if (modifier?.type === 'ReplaceFullPath') return { kind: 'full', path: modifier.replaceFullPath || '/' }
  if (modifier === undefined || path.kind !== 'prefix') return undefined
  const replacement = withoutSlash(modifier.replacePrefixMatch ?? '')
  const found = rulePath(path.path)
  return { kind: 'prefix', prefix: withoutSlash('path' in found ? found.path : path.path), replacement }
}

const wellKnownPorts = { http: 80, https: 443 } as const

/** Without a port of its own a redirect goes to that of its scheme, without a scheme to the listener's. */
const redirectAt = (filter: HttpRequestRedirect, { path, port }: Place): Redirect => {
  const { scheme, hostname, statusCode = 302 } = filter
  const rewritten = pathRewrite(filter.path, path)
  return {
    ...{ kind: 'parts', status: statusCode, port: filter.port ?? (scheme ? wellKnownPorts[scheme] : port) },
    ...(scheme ? { scheme } : {}),
    ...(hostname ? { host: hostname } : {}),
    ...(rewritten ? { path: rewritten } : {}),
  }
}

const rewriteAt = ({ hostname, path }: NonNullable<HttpRouteFilter['urlRewrite']>, place: Place): Rewrite => {
  const rewritten = pathRewrite(path, place.path)
  return { ...(hostname ? { host: hostname } : {}), ...(rewritten ? { path: rewritten } : {}) }
}

/** The first of each kind counts. */
export const sendingAt = (
  filters: readonly HttpRouteFilter[],
  place: Place,
): { readonly redirect?: Redirect; readonly rewrite?: Rewrite } => {
  const redirect = filters.find(({ requestRedirect }) => requestRedirect)?.requestRedirect
  const rewrite = filters.find(({ urlRewrite }) => urlRewrite)?.urlRewrite
  return {
    ...(redirect ? { redirect: redirectAt(redirect, place) } : {}),
    ...(rewrite ? { rewrite: rewriteAt(rewrite, place) } : {}),
  }
}

const hostnameProblem = (hostname: string | undefined): string | undefined =>
  !hostname || isHostname(hostname) ? undefined : `${JSON.stringify(hostname).slice(0, 300)} is no hostname`

const redirectStatuses: readonly unknown[] = [301, 302, 303, 307, 308]

/** Servers of another make may let anything through. */
const redirectProblem = ({ scheme = 'http', statusCode = 302, port = 80 }: HttpRequestRedirect): string | undefined => {
  if (scheme !== 'http' && scheme !== 'https') return `no redirect to the scheme ${JSON.stringify(scheme)}`
  if (!redirectStatuses.includes(statusCode)) return `no redirect with the status ${JSON.stringify(statusCode)}`
  return Number.isInteger(port) && port > 0 && port < 65_536
    ? undefined
    : `no redirect to the port ${JSON.stringify(port)}`
}

/** What of header modifiers, redirects and rewrites cannot be carried out. */
export const filterProblems = (filters: readonly HttpRouteFilter[]): readonly Problem[] =>
  filters
    .flatMap(({ requestRedirect, urlRewrite, requestHeaderModifier = {}, responseHeaderModifier = {} }) => [
      requestRedirect && redirectProblem(requestRedirect),
      hostnameProblem(requestRedirect?.hostname ?? urlRewrite?.hostname),
      modifierProblem(requestHeaderModifier),
      modifierProblem(responseHeaderModifier),
    ])
    .flatMap((message) => (message === undefined ? [] : [{ reason: 'UnsupportedValue', message }]))
