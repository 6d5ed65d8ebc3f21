/** Which HTTP an endpoint is spoken to in. */

import { type Plan, protocolOf } from '../decide/plan.ts'
import { requestFields, requestText } from '../http/request-text.ts'
import type { Choice } from './attempts.ts'
import type { RelayContext } from './context.ts'
import { openH1Lane } from './h1-lane.ts'
import { openH2Lane } from './h2-lane.ts'
import type { Lane, LaneUser } from './lane.ts'
import type { Sink } from './sink.ts'

/** Opens a way to the endpoint. What follows is told to `user`, never before this returns. */
export const openLane = (plan: Plan, choice: Choice, sink: Sink, user: LaneUser, relay: RelayContext): Lane => {
  const { request, outgoing, via, viaText, policy } = plan
  const { endpoint, maxRestMs } = choice
  const { backendTls } = policy
  const protocol = protocolOf(plan, relay.balancer)
  if (protocol === 'h2c' || protocol === 'h2') {
    sink.frameChunks()
    const fields = requestFields(outgoing, via, protocol === 'h2' ? 'https' : 'http', relay.newRequestId)
    const tls = protocol === 'h2' ? (backendTls ?? { verify: false, sni: false }) : undefined
    return openH2Lane({ endpoint, request, fields, tls, sessions: relay.sessions }, user)
  }
  const tls = protocol === 'https' ? (backendTls ?? { verify: false, sni: false }) : undefined
  return openH1Lane(
    {
      request,
      text: requestText(outgoing, via, viaText, relay.newRequestId),
      frameBody: request.body === 'chunked' && plan.content,
      decode: !sink.takesChunks,
      limits: relay.limits,
      sendTimeoutMs: relay.timeouts.send,
      take: (upstreamUser) => relay.pool.take(endpoint, tls, upstreamUser, maxRestMs),
      pool: relay.pool,
    },
    user,
  )
}
