/** Asks webhooks: one JSON object there, one back, within a time and a size. */

import dispatch from 'undici/lib/api/api-request.js'
import { parseJson } from '../../api/json.ts'
import { readWhole } from '../../host/read-whole.ts'
import type { ConnectToService, ServiceTarget } from '../dial/services.ts'
import { authorityOf, connectorTo, createPools } from './pools.ts'

/** Where a webhook is, as a configuration says it. */
export interface WebhookAddress {
  readonly url?: string
  readonly service?: {
    readonly namespace: string
    readonly name: string
    readonly path?: string
    readonly port?: number
  }
  /** PEM in base64: who signs its certificate; the system's authorities when missing. */
  readonly caBundle?: string
}

export interface WebhookClient {
  /** What it answers. Rejects when it cannot be reached, is too slow, or answers with anything but 200 and JSON. */
  post(address: WebhookAddress, body: unknown, timeoutMs: number): Promise<unknown>
  close(): void
}

const answerLimit = 3 * 1024 * 1024

interface Target {
  readonly origin: string
  readonly path: string
  readonly host: string
  /** Missing for an address of the world outside. */
  readonly service?: ServiceTarget
}

const hostOf = ({ namespace, name }: ServiceTarget): string => `${name}.${namespace}.svc`

const targetOf = ({ url, service: given }: WebhookAddress): Target => {
  if (given) {
    const { namespace, name, path = '/', port = 443 } = given
    const service = { namespace, name, port }
    const origin = `https://${hostOf(service)}:${port}`
    return { origin, path: path || '/', host: new URL(origin).host, service }
  }
  const { origin, pathname, host } = new URL(url ?? '')
  return { origin, path: pathname, host }
}

const wordsLimit = 256

const messageOf = (text: string): string =>
  text
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, wordsLimit)

export const createWebhookClient = (connect: ConnectToService): WebhookClient => {
  const pools = createPools()

  const poolOf = ({ origin, service }: Target, caBundle: string | undefined) =>
    pools.of(origin, [service, caBundle], () => ({
      connections: 16,
      keepAliveTimeout: 10_000,
      connect: service
        ? connectorTo(connect, service, { servername: hostOf(service), ...authorityOf(caBundle) })
        : authorityOf(caBundle),
    }))

  return {
    post: async (address, body, timeoutMs) => {
      const target = targetOf(address)
      const signal = AbortSignal.timeout(timeoutMs)
      const pool = poolOf(target, address.caBundle)
      const { statusCode, body: answer } = await dispatch.call(pool, {
        ...{ path: target.path, method: 'POST', signal },
        headers: { host: target.host, 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(body),
      })
      const text = await readWhole(answer, answerLimit)
      if (statusCode !== 200) throw new Error(`status ${statusCode}: ${messageOf(text)}`)
      return parseJson(text)
    },
    close: () => pools.close(),
  }
}
