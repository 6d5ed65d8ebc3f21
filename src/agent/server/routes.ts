/** What the agent answers to the API server, in the kubelet's paths. No sockets here. */
import { type Clock, systemClock } from '../../api/clock.ts'
import type { Pod } from '../../api/types/index.ts'
import { readLog } from '../logs/reader.ts'
import type { Runtimes } from '../runtime/runtimes.ts'
import { findInstance } from './find-log.ts'
import { parseLogQuery, RequestError } from './log-query.ts'

export interface AgentRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly signal: AbortSignal
}

export interface AgentResponse {
  readonly status: number
  readonly type: string
  readonly body: string | AsyncIterable<Uint8Array>
}

export type Answer = (request: AgentRequest) => Promise<AgentResponse>

/** Answers a GET of one path. */
export type Page = (query: URLSearchParams) => Promise<AgentResponse>

export interface RoutesOptions {
  readonly pods: { get(key: string): Pod | undefined; values(): Iterable<Pod> }
  readonly runtimes: { readonly sandboxes: Pick<Runtimes['sandboxes'], 'list'> }
  /** Further ones, by their paths without the slash in front. */
  readonly pages?: Readonly<Record<string, Page>>
  readonly clock?: Clock
}

const text = (status: number, body: string): AgentResponse => ({ status, type: 'text/plain; charset=utf-8', body })

const json = (value: unknown): AgentResponse => ({ status: 200, type: 'application/json', body: JSON.stringify(value) })

/** The words of a path, decoded; undefined for one that cannot be. */
export const wordsOf = (path: string): readonly string[] | undefined => {
  try {
    return path.split('/').filter(Boolean).map(decodeURIComponent)
  } catch {
    return undefined
  }
}

export const createRoutes = ({ pods, runtimes, pages = {}, clock = systemClock }: RoutesOptions): Answer => {
  const containerLogs = async (words: readonly string[], url: URL, signal: AbortSignal): Promise<AgentResponse> => {
    const [namespace = '', name = '', container = ''] = words
    const { previous, ...options } = parseLogQuery(url.searchParams, clock.now())
    const pod = pods.get(`${namespace}/${name}`)
    if (!pod) throw new RequestError(404, `pod "${name}" not found in namespace "${namespace}" on this node`)
    const sandboxOf = async () => (await runtimes.sandboxes.list()).find(({ id }) => id === pod.metadata.uid)
    const { id, logFile: file, logFormat: format } = findInstance(pod, await sandboxOf(), container, previous)
    const isOver = async (): Promise<boolean> => {
      const now = (await sandboxOf())?.containers.find((each) => each.id === id)
      return now === undefined || now.exit !== undefined
    }
    return { ...text(200, ''), body: readLog({ file, format, isOver, clock }, options, signal) }
  }

  const route = async ({ method, url: target, signal }: AgentRequest): Promise<AgentResponse> => {
    const url = new URL(target, 'https://node')
    const words = wordsOf(url.pathname)
    if (method !== 'GET' && method !== 'HEAD') return text(405, 'method not allowed\n')
    if (words?.[0] === 'healthz' && words.length === 1) return text(200, 'ok')
    if (words?.[0] === 'pods' && words.length === 1)
      return json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: [...pods.values()] })
    if (words?.[0] === 'containerLogs' && words.length === 4) return containerLogs(words.slice(1), url, signal)
    const path = words?.join('/') ?? ''
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined
    return page ? page(url.searchParams) : text(404, '404 page not found\n')
  }

  return route
}
