/**
 * The API server of somebody else's cluster in small: the API server behind a socket, with discovery, a 404 in plain text for
 * kinds that it does not have, and RBAC by bearer token.
 */
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { ApiError, forbidden, internalError, unauthorized } from '../../src/api/errors.ts'
import { type ClusterApi, openClusterApi } from './cluster-api.ts'
import { toRequest } from './cluster-api-server.ts'
import { type Asked, allows, askedBy, type Rule } from './rbac.ts'
import { serve } from './serve.ts'

export interface ClusterServer {
  readonly api: ClusterApi
  /** What each user asked for, and whether it was allowed. */
  readonly asked: readonly (Asked & { readonly user: string; readonly isAllowed: boolean })[]
  /** From now on this user may do so much. */
  allow(user: string, rules: readonly Rule[]): void
  /** Writes a kubeconfig of this user. */
  kubeconfig(user: string, file: string): Promise<string>
}

/** Resources by group and version: `networking.k8s.io/v1`. */
export type ServedKinds = Readonly<Record<string, readonly string[]>>

export const kindsOf120: ServedKinds = {
  v1: ['configmaps', 'endpoints', 'events', 'namespaces', 'nodes', 'pods', 'secrets', 'services'],
  'discovery.k8s.io/v1beta1': ['endpointslices'],
  'networking.k8s.io/v1': ['ingresses', 'ingressclasses', 'networkpolicies'],
}

export const kindsOfNow: ServedKinds = {
  ...kindsOf120,
  'discovery.k8s.io/v1': ['endpointslices'],
  'gateway.networking.k8s.io/v1': ['gatewayclasses', 'gateways', 'httproutes'],
  'gateway.networking.k8s.io/v1beta1': ['referencegrants'],
}

const groupList = (kinds: ServedKinds) => {
  const versions = Object.keys(kinds).filter((each) => each.includes('/'))
  const groups = Map.groupBy(versions, (each) => each.split('/')[0] ?? '')
  return {
    kind: 'APIGroupList',
    groups: [...groups].map(([name, all]) => ({
      name,
      versions: all.map((groupVersion) => ({ groupVersion, version: groupVersion.split('/')[1] })),
    })),
  }
}

/** The discovery document at a path, if there is one. */
const discoveryAt = (path: string, kinds: ServedKinds): unknown => {
  if (path === '/apis') return groupList(kinds)
  const names = kinds[path.replace(/^\/apis?\//, '')]
  return names && { kind: 'APIResourceList', resources: names.map((name) => ({ name })) }
}

const isServed = (path: string, { group, resource }: Asked, kinds: ServedKinds): boolean => {
  const version = path.split('/')[group === '' ? 2 : 3] ?? ''
  return kinds[group === '' ? version : `${group}/${version}`]?.includes(resource.split('/')[0] ?? '') ?? false
}

export const startClusterServer = async (t: Test, kinds: ServedKinds): Promise<ClusterServer> => {
  const api = await openClusterApi()
  const asked: (Asked & { readonly user: string; readonly isAllowed: boolean })[] = []
  const rules = new Map<string, readonly Rule[]>()

  const check = (user: string, what: Asked): void => {
    const known = rules.get(user)
    if (!known) throw unauthorized()
    const isAllowed = allows(known, what)
    asked.push({ ...what, user, isAllowed })
    if (isAllowed) return
    const { verb, group, resource } = what
    const why = `User "${user}" cannot ${verb} resource "${resource}" in API group "${group}" at the cluster scope`
    throw forbidden({ group, plural: resource }, what.name ?? '', why)
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const wanted = await toRequest(request)
    const document = discoveryAt(wanted.path, kinds)
    if (document !== undefined) return void response.end(JSON.stringify(document))
    const what = askedBy(wanted)
    if (what) check(request.headers.authorization?.replace(/^Bearer /, '') ?? '', what)
    if (!what || !isServed(wanted.path, what, kinds))
      return void response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n')
    if (wanted.query?.['watch'] !== 'true') return void response.end(JSON.stringify(await api.request(wanted)))
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    response.flushHeaders()
    for await (const event of api.watch(wanted, gone.signal)) response.write(`${JSON.stringify(event)}\n`)
    response.end()
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const failure = error instanceof ApiError ? error : internalError(String(error))
      if (!response.headersSent) response.writeHead(failure.code, { 'content-type': 'application/json' })
      response.end(JSON.stringify(failure.toStatus()))
    })
  })
  const port = await serve(t, server)
  return {
    api,
    asked,
    allow: (user, allowed) => void rules.set(user, allowed),
    kubeconfig: async (user, file) => {
      const named = (key: string, value: object) => [{ name: 'it', [key]: value }]
      await writeFile(
        file,
        JSON.stringify({
          clusters: named('cluster', { server: `http://127.0.0.1:${port}` }),
          users: named('user', { token: user }),
          contexts: named('context', { cluster: 'it', user: 'it' }),
          'current-context': 'it',
        }),
      )
      return file
    },
  }
}
