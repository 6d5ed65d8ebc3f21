/** What a URL and a method ask for, before anything is looked up. */
import { badRequest } from '../../api/errors.ts'
import type { Method } from '../../api/transport.ts'
import type { Verb } from '../resources/verbs.ts'

export type { Verb }

export interface ResourceRequest {
  readonly kind: 'resource'
  readonly verb: Verb
  readonly group: string
  readonly version: string
  readonly plural: string
  /** Undefined for cluster-scoped requests and lists over all namespaces. */
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
}

export interface PathRequest {
  readonly kind: 'path'
  /** The method in lower case, as authorisers name it. */
  readonly verb: string
  readonly path: string
}

export type RequestInfo = ResourceRequest | PathRequest

const int32Max = 2 ** 31 - 1

/** What a method means for a collection, and for one object; whether the kind knows such a verb is looked up later. */
const verbs: Readonly<Record<Method, readonly [collection: Verb, object: Verb]>> = {
  GET: ['list', 'get'],
  POST: ['create', 'create'],
  PUT: ['update', 'update'],
  PATCH: ['patch', 'patch'],
  DELETE: ['deletecollection', 'delete'],
}

/** Query flags are `true` or `1`; a bare `?watch` counts too. */
export const isSet = (query: URLSearchParams, name: string): boolean =>
  query.has(name) && !['false', '0'].includes(query.get(name) ?? '')

const int64Max = 2n ** 63n - 1n

/**
 * A whole number of the query; undefined when it is missing. Throws BadRequest in the words of Go's parser. Numbers that mean
 * more than anybody has are cut, as a timer that is asked to wait for years rings at once.
 */
export const integerOf = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name)
  if (text === null) return undefined
  const wrong = (why: string) => badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text.slice(0, 64))}: ${why}`)
  if (!/^[-+]?\d{1,64}$/.test(text)) throw wrong('invalid syntax')
  const value = BigInt(text.replace('+', ''))
  if (value > int64Max || value < -int64Max - 1n) throw wrong('value out of range')
  return Math.max(-int32Max, Math.min(int32Max, Number(text)))
}

const verbOf = (method: Method, name: string | undefined, query: URLSearchParams): Verb => {
  if (method === 'GET' && name === undefined && isSet(query, 'watch')) return 'watch'
  const [collection, object] = verbs[method]
  return name === undefined ? collection : object
}

/** `/api/v1/…` and `/apis/GROUP/VERSION/…`, cut into group, version and the rest. */
const splitRoot = (segments: readonly string[]) => {
  const [root, first, second, ...rest] = segments
  if (root === 'api' && first !== undefined)
    return { group: '', version: first, rest: second === undefined ? [] : [second, ...rest] }
  if (root === 'apis' && first !== undefined && second !== undefined) return { group: first, version: second, rest }
  return undefined
}

const decodeSegments = (path: string): string[] | undefined => {
  try {
    return path.split('/').filter(Boolean).map(decodeURIComponent)
  } catch {
    return undefined
  }
}

/** `namespaces/NS/pods/NAME/log` → its parts. `namespaces/NS` itself and its own subresources are cluster-scoped. */
const splitResource = (rest: readonly string[]) => {
  const [first, second, third, ...more] = rest
  const ofNamespace = first === 'namespaces' && third !== undefined && third !== 'finalize' && third !== 'status'
  const [plural = '', name, ...sub] = ofNamespace ? [third, ...more] : rest
  const [subresource] = sub
  return {
    plural,
    name,
    namespace: ofNamespace ? second : undefined,
    // What is behind it is the matter of whom the proxy leads to.
    subresource: subresource === 'proxy' ? subresource : sub.length === 0 ? undefined : sub.join('/'),
    behind: subresource === 'proxy' ? sub[1] : undefined,
  }
}

/** Of pods: what begins with a GET, too, when it goes over a WebSocket, and is more than reading. */
const streams: readonly (string | undefined)[] = ['exec', 'attach', 'portforward']
/** The same of the agent itself, behind `nodes/NAME/proxy`. */
const agentStreams: readonly (string | undefined)[] = ['exec', 'attach', 'portForward', 'run', 'dial']

/** Whoever may only read gets no shell. */
const isStream = ({ plural, subresource, behind }: ReturnType<typeof splitResource>): boolean =>
  plural === 'pods' ? streams.includes(subresource?.split('/')[0]) : plural === 'nodes' && agentStreams.includes(behind)

export const requestInfo = (method: Method, path: string, query: URLSearchParams): RequestInfo => {
  const segments = decodeSegments(path)
  const root = segments && splitRoot(segments)
  if (!root || root.rest.length === 0) return { kind: 'path', verb: method.toLowerCase(), path }
  const split = splitResource(root.rest)
  const { behind: _, ...parts } = split
  const verb = root.group === '' && isStream(split) ? 'create' : verbOf(method, parts.name, query)
  return { kind: 'resource', verb, group: root.group, version: root.version, ...parts }
}
