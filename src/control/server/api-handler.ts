/** The whole API as one function from a call to an answer: authorisation first, then whoever is responsible. */
import { methodNotAllowed, noSuchPath } from '../../api/errors.ts'
import { kubernetesMinor, kubernetesVersion } from '../../api/kubernetes-version.ts'
import { type Build, podwayBuild } from '../../host/version.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import type { OpenApiPart } from '../openapi/merge.ts'
import { createOpenApi } from '../openapi/openapi.ts'
import type { Auditing } from './auditing.ts'
import { authorization } from './authorization.ts'
import { type Answer, type Call, type Handler, objectAnswer } from './call.ts'
import { throughSteps } from './chain.ts'
import { discover, type RemoteVersion } from './discovery.ts'
import { freshness } from './freshness.ts'
import { impersonation } from './impersonation.ts'
import { type AuditCounts, createApiMetrics } from './metrics.ts'
import { createResourceHandler, type ResourceContext } from './resources.ts'

/** Other API servers behind this one. */
export interface Elsewhere {
  /** Who answers for a path; undefined when that is this server. */
  find(path: string): Handler | undefined
  /** What they have. */
  versions(): Promise<readonly RemoteVersion[]>
  /** What they say of it in OpenAPI v2. */
  documents(): Promise<readonly OpenApiPart[]>
}

export interface ApiOptions extends ResourceContext {
  readonly elsewhere?: Elsewhere
  readonly authorizer: Authorizer
  /** Podway's own version: `0.1.0`. */
  readonly version: string
  /** Missing: nothing is written of requests. */
  readonly audit?: { readonly auditing: Auditing; readonly counts: AuditCounts } | undefined
  /** Undefined for a path of something else. */
  readonly health: (call: Call) => (() => Promise<Answer>) | undefined
  /** Further paths that answer a GET. */
  readonly paths?: Readonly<Record<string, Handler>>
}

const ownPaths: readonly string[] = [
  '/api',
  '/apis',
  '/healthz',
  '/livez',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/readyz',
  '/version',
]

const isDiscovery = (path: string): boolean => /^\/apis?(\/|$)/.test(path)

export const serverVersion = (version: string, build: Build = podwayBuild()) => ({
  major: '1',
  minor: kubernetesMinor,
  gitVersion: kubernetesVersion(version),
  gitCommit: build.commit,
  gitTreeState: build.treeState,
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: `node-${process.versions.node}`,
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
})

export const createApiHandler = (options: ApiOptions): Handler => {
  const { registry, authorizer, version, health, audit, elsewhere, paths = {} } = options
  const told = serverVersion(version)
  const resources = createResourceHandler(options)
  const openApi = createOpenApi(registry, version, elsewhere?.documents)
  const metrics = createApiMetrics(registry, audit?.counts)

  const discovered = async (call: Call): Promise<Answer> => {
    const others = (await elsewhere?.versions()) ?? []
    const own = registry.definitions.filter(
      ({ givesWay, group, version: each }) =>
        !givesWay || !others.some((other) => other.group === group && other.version === each),
    )
    return discover(own, call, others)
  }

  /** Documents of others are asked of them. */
  const openApiIndex = async (): Promise<Answer> => {
    const { paths: own } = openApi.v3.index()
    const others = (await elsewhere?.versions()) ?? []
    const theirs = others.map(({ group, version: each }) => {
      const path = `apis/${group}/${each}`
      return [path, { serverRelativeURL: `/openapi/v3/${path}` }]
    })
    return objectAnswer({ paths: { ...own, ...Object.fromEntries(theirs) } })
  }

  const openApiV2 = async (call: Call): Promise<Answer> => ({
    kind: 'bytes',
    ...(await openApi.v2(call.header('accept') ?? '')),
  })

  const onPath = (call: Call): Answer | Promise<Answer> => {
    const { path } = call
    if (call.method !== 'GET') {
      // A group that is not served is not there for any method.
      if (isDiscovery(path)) discover(registry.definitions, call)
      const isOwn = path === '/' || ownPaths.includes(path.replace(/\/$/, '')) || health(call) !== undefined
      throw isDiscovery(path) || isOwn ? methodNotAllowed(['GET']) : noSuchPath()
    }
    if (path === '/version' || path === '/version/') return objectAnswer(told)
    const look = health(call)
    if (look) return look()
    if (path === '/metrics') return metrics.answer()
    if (path === '/openapi/v3') return openApiIndex()
    if (path.startsWith('/openapi/v3/'))
      return {
        kind: 'bytes',
        contentType: 'application/json',
        bytes: openApi.v3.document(path.slice('/openapi/v3/'.length)),
      }
    if (path === '/openapi/v2') return openApiV2(call)
    if (isDiscovery(path)) return discovered(call)
    if (path === '/') return objectAnswer({ paths: [...Object.keys(paths), ...ownPaths].sort() })
    const further = Object.hasOwn(paths, path) ? paths[path] : undefined
    if (!further) throw noSuchPath()
    return further(call)
  }

  const route: Handler = (call) => {
    const other = elsewhere?.find(call.path)
    if (other) return other(call)
    return call.info.kind === 'path' ? onPath(call) : resources(call, call.info)
  }
  return throughSteps(
    [
      metrics.step,
      ...(audit ? [audit.auditing.step] : []),
      impersonation(authorizer),
      authorization(authorizer),
      freshness(options.store),
    ],
    route,
  )
}
