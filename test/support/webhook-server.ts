/** A webhook of tests: HTTPS on 127.0.0.1, with a certificate of an authority of its own. */
import { createServer } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { createAuthority, issueCertificate, validFor } from '../../src/api/certificates.ts'
import type { Json } from './api-server.ts'
import { serve } from './serve.ts'

export interface WebhookServer {
  readonly url: string
  readonly port: number
  readonly caBundle: string
  /** What it was asked, in order. */
  readonly asked: Json[]
}

/** `answer`: the body for a review; undefined: none, ever. `names`: further names of its certificate. */
export const serveWebhook = async (
  t: Test,
  answer: (review: Json, path: string) => unknown,
  names: readonly string[] = [],
): Promise<WebhookServer> => {
  const authority = await createAuthority('webhooks', validFor(1, Date.now()))
  const identity = { commonName: 'webhook', addresses: ['127.0.0.1'], dnsNames: names }
  const pair = await issueCertificate(authority, identity, validFor(1, Date.now()), 'server')
  const asked: Json[] = []
  const server = createServer({ ...pair }, async (request, response) => {
    const review: Json = JSON.parse(await text(request))
    asked.push(review)
    const body = answer(review, request.url ?? '')
    if (body === undefined) return
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  })
  const port = await serve(t, server)
  return { url: `https://127.0.0.1:${port}`, port, caBundle: Buffer.from(authority.cert).toString('base64'), asked }
}
