/** `pods/NAME/proxy`, `services/NAME/proxy` and `nodes/NAME/proxy`: any request, to whom it is for, through the node's agent. */
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { ApiError, errorText, noSuchPath, serviceUnavailable } from '../../../api/errors.ts'
import { type IncomingAnswer, requestOver } from '../../dial/agent-request.ts'
import { dialPod } from '../../dial/dial-pod.ts'
import type { Dialer } from '../../dial/dialer.ts'
import type { Objects } from '../../objects/objects.ts'
import type { Answer, Call } from '../../server/call.ts'
import type { SubresourceHandler } from '../../server/resources.ts'
import { connecting } from '../connecting.ts'
import { isUpgrade, switched } from '../pass-on.ts'
import { answerHeaders, requestHeaders } from './headers.ts'
import { type ProxyPlace, rewriteAddress, rewriteHtml } from './rewrite.ts'
import { nodeTarget, type ProxyTarget, podTarget, serviceTarget } from './target.ts'

/** A longer page keeps its addresses. */
const maxPageBytes = 4 * 1024 * 1024

const prefixOf = (path: string): { readonly prefix: string; readonly rest: string } => {
  const [, prefix, rest = ''] =
    /^(\/api\/v1\/(?:namespaces\/[^/]+\/(?:pods|services)|nodes)\/[^/]+\/proxy)(\/.*)?$/.exec(path) ?? []
  if (prefix === undefined) throw noSuchPath()
  return { prefix, rest }
}

const unreachable = (error: unknown): ApiError => {
  if (error instanceof ApiError) return error
  return serviceUnavailable(`error trying to reach service: ${errorText(error)}`)
}

/** A connection to a port of a pod, which its node's agent makes. */
const connectToPod = async (
  dialer: Dialer,
  { node, pod, scheme }: ProxyTarget,
  signal: AbortSignal,
): Promise<Duplex> => {
  if (!pod) return dialer.open(node, signal)
  const socket = await dialPod(dialer, { node, ...pod }, signal)
  if (scheme === 'http') return socket
  // Whom the pod's certificate names nobody can know.
  return new Promise((resolve, reject) => {
    const secured = connectTls({ socket, rejectUnauthorized: false }, () => resolve(secured))
    secured.once('error', reject)
  })
}

const isPage = ({ headers }: IncomingAnswer): boolean =>
  /^text\/html\b/i.test(headers['content-type'] ?? '') &&
  headers['content-encoding'] === undefined &&
  Number(headers['content-length'] ?? 0) <= maxPageBytes

/** The page with its addresses as the client reaches them; one that is too long goes through as it is. */
async function* pageChunks(chunks: AsyncIterable<Buffer>, place: ProxyPlace): AsyncGenerator<Buffer> {
  const held: Buffer[] = []
  let length = 0
  let isLong = false
  for await (const chunk of chunks) {
    if (isLong) yield chunk
    else held.push(chunk)
    length += chunk.length
    if (!isLong && length > maxPageBytes) {
      isLong = true
      yield Buffer.concat(held.splice(0))
    }
  }
  if (!isLong) yield Buffer.from(rewriteHtml(Buffer.concat(held).toString('latin1'), place), 'latin1')
}

const toAnswer = (answer: IncomingAnswer, place: ProxyPlace, hasBody: boolean): Answer => {
  const { 'content-length': length, location, ...headers } = answerHeaders(answer.headers)
  const page = hasBody && isPage(answer)
  return {
    kind: 'stream',
    code: answer.code,
    contentType: answer.headers['content-type'] ?? '',
    headers: {
      ...headers,
      ...(typeof location === 'string' ? { location: rewriteAddress(location, place) } : {}),
      ...(length === undefined || page ? {} : { 'content-length': length }),
    },
    chunks: page ? pageChunks(answer.body, place) : answer.body,
  }
}

const proxy = async (call: Call, dialer: Dialer, target: ProxyTarget, rest: string): Promise<Answer> => {
  const { prefix } = prefixOf(call.path)
  const { method = call.method, search = '', body } = call.raw ?? {}
  const upgrade = isUpgrade(call) ? call.header('upgrade') : undefined
  if (rest === '' && upgrade === undefined && ['GET', 'HEAD'].includes(method))
    return { kind: 'stream', code: 301, contentType: '', headers: { location: `${prefix}/${search}` }, chunks: none() }
  const originalHost = call.header('host')
  const headers = requestHeaders(call.headers, {
    ...{ host: target.host, uri: `${prefix}${rest}`, originalHost, ...(upgrade === undefined ? {} : { upgrade }) },
  })
  // A page that comes compressed could not be read here.
  if (/text\/html/i.test(call.header('accept'))) delete headers['accept-encoding']
  try {
    const connection = await connectToPod(dialer, target, call.signal)
    const content = upgrade === undefined ? body?.() : undefined
    const request = {
      method,
      path: `${rest === '' ? '/' : rest}${search}`,
      headers,
      ...(content ? { body: content } : {}),
    }
    const answer = await requestOver(connection, request, call.signal)
    const { upgraded } = answer
    if (upgraded) return switched({ ...answer, upgraded }, () => true)
    return toAnswer(answer, { prefix, hosts: [target.host, originalHost] }, method !== 'HEAD')
  } catch (error) {
    throw unreachable(error)
  }
}

async function* none(): AsyncGenerator<Uint8Array> {
  // There is nothing to say.
}

type FindTarget = (namespace: string, name: string) => ProxyTarget

const verbs = ['create', 'delete', 'get', 'patch', 'update']

const readPath = (call: Call): { readonly path?: string } => {
  const { rest } = prefixOf(call.path)
  return rest === '' ? {} : { path: rest }
}

interface Kind {
  readonly plural: string
  readonly options: string
  readonly find: FindTarget
}

const forVerbs = (
  objects: Objects,
  dialer: Dialer,
  { plural, options, find }: Kind,
): Readonly<Record<string, SubresourceHandler>> => {
  const handler = connecting<{ readonly path?: string }>(
    objects,
    { kind: options, read: readPath },
    async (call, { namespace = '', name }, _definition, { path = '' }) =>
      proxy(call, dialer, find(namespace, name), path === '' || path.startsWith('/') ? path : `/${path}`),
  )
  return Object.fromEntries(verbs.map((verb) => [`${plural}/proxy ${verb}`, handler]))
}

/** By `plural/subresource` and verb. */
export const proxies = (objects: Objects, dialer: Dialer): Readonly<Record<string, SubresourceHandler>> => ({
  ...forVerbs(objects, dialer, {
    ...{ plural: 'pods', options: 'PodProxyOptions' },
    find: (namespace, name) => podTarget(objects, namespace, name),
  }),
  ...forVerbs(objects, dialer, {
    ...{ plural: 'services', options: 'ServiceProxyOptions' },
    find: (namespace, name) => serviceTarget(objects, namespace, name),
  }),
  ...forVerbs(objects, dialer, {
    ...{ plural: 'nodes', options: 'NodeProxyOptions' },
    find: (_namespace, name) => nodeTarget(objects, name),
  }),
})
