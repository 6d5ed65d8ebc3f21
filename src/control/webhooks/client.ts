/** Asks webhooks: one JSON object there, one back, within a time and a size. */
import { createHash } from 'node:crypto'
import dispatch from 'undici/lib/api/api-request.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import type { ResolveService } from './service-address.ts'

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
const mostPools = 64

interface Target {
  /** What is connected to. */
  readonly origin: string
  readonly path: string
  readonly host: string
  /** The name that its certificate is for, when it is not that of the origin. */
  readonly servername?: string
}

const targetOf = ({ url, service }: WebhookAddress, resolve: ResolveService): Target => {
  if (service) {
    const { namespace, name, path = '/', port = 443 } = service
    const host = `${name}.${namespace}.svc`
    return {
      origin: `https://${resolve({ namespace, name, port })}`,
      path: path || '/',
      host: port === 443 ? host : `${host}:${port}`,
      servername: host,
    }
  }
  const { origin, pathname, host } = new URL(url ?? '')
  return { origin, path: pathname, host }
}

const readAnswer = async (chunks: AsyncIterable<Buffer>): Promise<Buffer> => {
  const parts: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > answerLimit) throw new Error('the answer is too large')
    parts.push(chunk)
  }
  return Buffer.concat(parts)
}

const wordsLimit = 256

const messageOf = (text: string): string =>
  text
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, wordsLimit)

export const createWebhookClient = (resolve: ResolveService): WebhookClient => {
  const pools = new Map<string, InstanceType<typeof Pool>>()

  const poolOf = ({ origin, servername }: Target, caBundle: string | undefined): InstanceType<typeof Pool> => {
    const key = `${origin} ${servername ?? ''} ${createHash('sha256')
      .update(caBundle ?? '')
      .digest('hex')}`
    const known = pools.get(key)
    if (known) return known
    if (pools.size >= mostPools) {
      const [[oldest, pool] = []] = pools
      if (oldest !== undefined) pools.delete(oldest)
      void pool?.close()
    }
    const ca = caBundle ? Buffer.from(caBundle, 'base64').toString('utf8') : undefined
    const pool = new Pool(origin, {
      connections: 16,
      keepAliveTimeout: 10_000,
      connect: { ...(servername === undefined ? {} : { servername }), ...(ca === undefined ? {} : { ca }) },
    })
    pools.set(key, pool)
    return pool
  }

  return {
    post: async (address, body, timeoutMs) => {
      const target = targetOf(address, resolve)
      const signal = AbortSignal.timeout(timeoutMs)
      const pool = poolOf(target, address.caBundle)
      const { statusCode, body: answer } = await dispatch.call(pool, {
        ...{ path: target.path, method: 'POST', signal },
        headers: { host: target.host, 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(body),
      })
      const text = (await readAnswer(answer)).toString('utf8')
      if (statusCode !== 200) throw new Error(`status ${statusCode}: ${messageOf(text)}`)
      return JSON.parse(text) as unknown
    },
    close: () => {
      for (const pool of pools.values()) void pool.destroy()
      pools.clear()
    },
  }
}
