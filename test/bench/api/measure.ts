/** What is measured of an API server, by one client with many connections. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Dispatcher, Pool } from 'undici'
import type { Connection } from '../../../src/api/kubeconfig.ts'
import { until } from '../../support/until.ts'
import { sized } from '../support/size.ts'
import type { ApiServer } from './server.ts'

export interface Caller {
  /** Rejects with what the server said for any answer that is no success. */
  readonly call: (method: Dispatcher.HttpMethod, path: string, body?: object) => Promise<string>
  /** An endless answer; its chunks as they come. */
  readonly stream: (path: string, onChunk: (text: string) => void, signal: AbortSignal) => Promise<void>
  readonly close: () => Promise<void>
}

/** As many connections as there are requests at a time. */
export const createCaller = ({ server, ca, cert, key, token }: Connection): Caller => {
  const pool = new Pool(server, {
    ...{ connections: null, pipelining: 1, allowH2: false, bodyTimeout: 0 },
    connect: { ...(ca === undefined ? { rejectUnauthorized: false } : { ca }), cert, key },
  })
  const headers = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  return {
    call: async (method, path, body) => {
      const text = body === undefined ? null : JSON.stringify(body)
      const answer = await pool.request({ method, path, headers, body: text })
      const said = await answer.body.text()
      if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${said.slice(0, 300)}`)
      return said
    },
    stream: async (path, onChunk, signal) => {
      const { statusCode, body } = await pool.request({ method: 'GET', path, headers, signal })
      if (statusCode !== 200) throw new Error(`GET ${path}: ${statusCode}`)
      body.on('data', (chunk: Buffer) => onChunk(chunk.toString('latin1'))).on('error', () => {})
    },
    close: () => pool.destroy(),
  }
}

export const isReady = async (connection: Connection): Promise<boolean> => {
  const caller = createCaller(connection)
  try {
    await caller.call('GET', '/readyz')
    // Kubernetes is ready before its first namespace is there.
    await caller.call('GET', '/api/v1/namespaces/default')
    return true
  } catch {
    return false
  } finally {
    await caller.close()
  }
}

const atOnce = 32

/** Does it `count` times, 32 at a time; how often a second. */
const rateOf = async (count: number, once: (n: number) => Promise<unknown>): Promise<number> => {
  let next = 0
  const began = performance.now()
  const work = async (): Promise<void> => {
    while (next < count) await once(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return count / ((performance.now() - began) / 1000)
}

const configMap = (name: string) => ({ metadata: { name }, data: { key: 'value', other: 'x'.repeat(100) } })
const service = (name: string) => ({ metadata: { name }, spec: { selector: { app: name }, ports: [{ port: 80 }] } })
const pod = (name: string) => ({
  metadata: { name, labels: { app: 'bench' } },
  spec: { schedulerName: 'nobody', containers: [{ name: 'c', image: 'registry.example.com/a:1' }] },
})

const inDefault = '/api/v1/namespaces/default'

/** Creations a second by 32 clients. */
export const creationRates = async ({ call }: Caller): Promise<Readonly<Record<string, number>>> => {
  const count = sized(3_000, 40)
  const create = (plural: string, make: (name: string) => object) =>
    rateOf(count, (n) => call('POST', `${inDefault}/${plural}`, make(`${plural}-${n}`)))
  return {
    'ConfigMaps created a second': await create('configmaps', configMap),
    'Services created a second': await create('services', service),
    'Pods created a second': await create('pods', pod),
  }
}

const quantile = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0

/** Milliseconds to list so many pods, the median; and what the server holds then. */
export const listOfPods = async (
  { call }: Caller,
  server: ApiServer,
): Promise<{ readonly ms: number; readonly resident: number }> => {
  const count = sized(10_000, 50)
  await call('POST', '/api/v1/namespaces', { metadata: { name: 'many' } })
  await until(() => call('GET', '/api/v1/namespaces/many/serviceaccounts').then(() => true), 'the namespace')
  await rateOf(count, (n) => call('POST', '/api/v1/namespaces/many/pods', pod(`p-${n}`)))
  await pause(sized(2_000, 10))
  const resident = await server.resident()
  const times: number[] = []
  for (let round = 0; round < 7; round++) {
    const began = performance.now()
    const { length } = await call('GET', '/api/v1/namespaces/many/pods')
    if (length < count * 100) throw new Error('the list is too short')
    times.push(performance.now() - began)
  }
  return { ms: quantile(times, 0.5), resident }
}

/** From the beginning of a write to each of many watchers of its kind, in milliseconds. */
export const watchLatency = async ({
  call,
  stream,
}: Caller): Promise<{ readonly p50: number; readonly p99: number }> => {
  const watchers = sized(1_000, 10)
  const writes = sized(20, 3)
  await call('POST', '/api/v1/namespaces', { metadata: { name: 'watched' } })
  const path = '/api/v1/namespaces/watched/configmaps'
  const { metadata } = JSON.parse(await call('GET', path)) as {
    readonly metadata: { readonly resourceVersion: string }
  }
  const query = `watch=1&resourceVersion=${metadata.resourceVersion}`
  const stop = new AbortController()
  const times: number[] = []
  let [began, wanted, seen] = [0, '', 0]
  const onChunk = (text: string): void => {
    if (wanted === '' || !text.includes(wanted)) return
    times.push(performance.now() - began)
    seen++
  }
  for (let open = 0; open < watchers; open += atOnce)
    await Promise.all(
      Array.from({ length: Math.min(atOnce, watchers - open) }, () => stream(`${path}?${query}`, onChunk, stop.signal)),
    )
  for (let n = 0; n < writes; n++) {
    seen = 0
    wanted = `"name":"watched-${n}"`
    began = performance.now()
    await call('POST', path, configMap(`watched-${n}`))
    await until(() => seen >= watchers, `${watchers} events, of which ${seen} came`, 30_000)
  }
  stop.abort()
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) }
}

/** Percent of one processor while nobody asks. */
export const idleCpu = async (server: ApiServer): Promise<number> => {
  const ms = sized(60_000, 200)
  const before = server.cpuSeconds()
  await pause(ms)
  return ((server.cpuSeconds() - before) * 100_000) / ms
}
