/** A request to a node's agent that may become a stream: the connection is handed through as it is. */
import type { OutgoingHttpHeaders } from 'node:http'
import { badRequest } from '../../api/errors.ts'
import { membersOf } from '../../api/header-list.ts'
import { asStream, joinStreams, switchProtocols } from '../../host/upgrade.ts'
import { type IncomingAnswer, type OutgoingRequest, requestOver } from '../dial/agent-request.ts'
import type { Dialer } from '../dial/dialer.ts'
import type { Answer, Call } from '../server/call.ts'
import { unreachable } from './node-of-pod.ts'

/** What the two sides of an upgrade tell each other. */
const upgradeHeaders = [
  ...['connection', 'upgrade', 'x-stream-protocol-version'],
  ...['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol', 'sec-websocket-accept'],
]

/** An agent answers at once: it has all it needs. */
const answerMs = 30_000

export const isUpgrade = (call: Pick<Call, 'header'>): boolean =>
  membersOf(call.header('connection').toLowerCase()).includes('upgrade') && call.header('upgrade') !== ''

/** The connection of the client becomes the one of the other side, which has switched protocols already. */
export const switched = (
  { headers, upgraded }: IncomingAnswer & { readonly upgraded: NonNullable<IncomingAnswer['upgraded']> },
  kept: (name: string) => boolean,
): Answer => ({
  kind: 'upgraded',
  take: ({ socket, head }) => {
    const shown: OutgoingHttpHeaders = Object.fromEntries(Object.entries(headers).filter(([name]) => kept(name)))
    switchProtocols(socket, shown)
    if (upgraded.head.length > 0) upgraded.socket.unshift(upgraded.head)
    if (head.length > 0) socket.unshift(head)
    asStream(socket)
    joinStreams(socket, upgraded.socket)
  },
  refuse: () => upgraded.socket.destroy(),
})

const askAgent = async (
  dialer: Dialer,
  node: string,
  request: OutgoingRequest,
  signal: AbortSignal,
): Promise<IncomingAnswer> => {
  try {
    return await requestOver(await dialer.open(node, signal), request, signal, answerMs)
  } catch (error) {
    throw unreachable(node, error)
  }
}

/** GETs from a node's agent. Throws when it cannot be reached. */
export const getFromAgent = (
  dialer: Dialer,
  node: string,
  path: string,
  signal: AbortSignal,
): Promise<IncomingAnswer> => askAgent(dialer, node, { method: 'GET', path, headers: { host: node } }, signal)

/** Hands an upgrade on to `path` of the node's agent; what the agent says instead of switching is the answer. */
export const passOn = async (call: Call, dialer: Dialer, node: string, path: string): Promise<Answer> => {
  if (!isUpgrade(call)) throw badRequest('Upgrade request required')
  const headers: OutgoingHttpHeaders = { host: node }
  for (const name of upgradeHeaders) {
    const values = call.headers[name]
    if (values) headers[name] = [...values]
  }
  const answer = await askAgent(dialer, node, { method: call.method, path, headers }, call.signal)
  const { upgraded } = answer
  if (upgraded) return switched({ ...answer, upgraded }, (name) => upgradeHeaders.includes(name))
  return {
    ...{ kind: 'stream', code: answer.code, chunks: answer.body },
    contentType: answer.headers['content-type'] ?? 'text/plain',
  }
}
