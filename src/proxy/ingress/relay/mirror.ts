/** Copies of requests for others to look at. Nobody waits for them, and what they answer is thrown away. */
import { PassThrough } from 'node:stream'
import { valueIn } from '../decide/asking.ts'
import type { Plan } from '../decide/plan.ts'
import { requestFields } from '../http/request-text.ts'
import type { Mirror } from '../policy/policy.ts'
import { fill } from '../policy/template.ts'
import type { RelayContext } from './context.ts'

/** The body on its way to the copies. */
export interface Copies {
  send(piece: Buffer): void
  finish(): void
  /** The request came to nothing. */
  abort(): void
}

/** A copy that takes its body slower than the backend is given up beyond this. */
const mostWaiting = 1024 * 1024
const timeoutMs = 30_000

const urlOf = ({ to }: Mirror, plan: Plan, { balancer }: RelayContext): string | undefined => {
  if ('backend' in to) {
    const endpoint = balancer.pick(to.backend, [], { kind: 'round-robin' })
    if (!endpoint) return undefined
    balancer.finished(to.backend, endpoint)
    return `http://${endpoint.key}${plan.outgoing.target}`
  }
  const asking = { request: plan.request, via: plan.via, viaText: plan.viaText, proof: undefined }
  return fill(to.url, valueIn(asking))
}

/** Of these undici makes its own. */
const notCopied = new Set(['te', 'content-length'])

const headersOf = (mirror: Mirror, plan: Plan, url: string, { newRequestId }: RelayContext): string[] => {
  const fields = requestFields(plan.outgoing, plan.via, 'http', newRequestId)
  const host = mirror.host ?? ('backend' in mirror.to ? plan.outgoing.host : new URL(url).host)
  return [
    ...['host', host],
    ...fields.flatMap(({ key, value }) => (key.startsWith(':') || notCopied.has(key) ? [] : [key, value])),
  ]
}

const copyTo = (mirror: Mirror, plan: Plan, relay: RelayContext): PassThrough | undefined => {
  const url = urlOf(mirror, plan, relay)
  if (url === undefined) {
    relay.report('a mirror has no endpoint')
    return undefined
  }
  const hasBody = mirror.body && plan.request.body !== 0
  const body = hasBody ? new PassThrough() : undefined
  const ask = async (): Promise<void> => {
    const { method } = plan.request
    const headers = headersOf(mirror, plan, url, relay)
    const answer = await relay.outside.ask(url, {
      ...{ method, headers, signal: AbortSignal.timeout(timeoutMs) },
      ...(body ? { body } : {}),
    })
    await answer.body.dump()
  }
  ask().catch((error: unknown) => {
    body?.destroy()
    relay.report(`mirror ${url}: ${error instanceof Error ? error.message : String(error)}`)
  })
  // Ends with the request; what went wrong is told above.
  body?.on('error', () => {})
  return body
}

/** Starts the copies that this request's share calls for; undefined when there is none. */
export const startCopies = (plan: Plan, relay: RelayContext): Copies | undefined => {
  const chosen = plan.policy.mirrors.filter(
    ({ numerator, denominator }) => numerator >= denominator || relay.random() * denominator < numerator,
  )
  if (chosen.length === 0) return undefined
  let bodies = chosen.flatMap((mirror) => copyTo(mirror, plan, relay) ?? [])
  return {
    send: (piece) => {
      for (const body of bodies) {
        body.write(piece)
        if (body.writableLength <= mostWaiting) continue
        bodies = bodies.filter((each) => each !== body)
        body.destroy(new Error('too slow'))
      }
    },
    finish: () => {
      for (const body of bodies) body.end()
    },
    abort: () => {
      for (const body of bodies) body.destroy()
    },
  }
}
