/** Records of an etcd (3.4 or newer), by its JSON gateway: all there are, then every change. */
import { type Clock, sleep, systemClock } from '../../api/clock.ts'
import type { Logger } from '../../host/log.ts'
import { nameOfPath, parseSkyRecord, type SkyEntry } from './record.ts'

export interface EtcdSourceOptions {
  /** `http://192.0.2.1:2379`; asked in this order. */
  readonly endpoints: readonly string[]
  /** `/skydns` */
  readonly prefix: string
  readonly onEntries: (key: string, entries: readonly SkyEntry[]) => void
  readonly log: Logger
  readonly clock?: Clock
}

interface KeyValue {
  readonly key: string
  readonly value?: string
  readonly lease?: string
}

interface WatchLine {
  readonly result?: {
    readonly canceled?: boolean
    readonly events?: readonly { readonly type?: string; readonly kv: KeyValue }[]
  }
}

const retryBaseMs = 500
const retryMaxMs = 10_000
const requestMs = 5_000
/** CoreDNS' bounds for what a lease says of a record's time. */
const leaseBounds = { least: 30, most: 86_400 } as const

const encode = (text: string): string => Buffer.from(text).toString('base64')
const decode = (text: string): string => Buffer.from(text, 'base64').toString()

/** The keys that start with `prefix`: up to the next text of the same length. */
const rangeOf = (prefix: string) => {
  const end = Buffer.from(prefix)
  end[end.length - 1] = (end.at(-1) ?? 0) + 1
  return { key: encode(prefix), range_end: end.toString('base64') }
}

async function* jsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line)
  }
}

/** Follows until `signal` aborts; an etcd that is away is asked again, and what is known stays. */
export const followEtcd = async (options: EtcdSourceOptions, signal: AbortSignal): Promise<void> => {
  const { endpoints, prefix, onEntries, log, clock = systemClock } = options
  let known = new Set<string>()

  const post = async (endpoint: string, path: string, body: object, within: AbortSignal): Promise<Response> => {
    const answer = await fetch(`${endpoint}${path}`, { method: 'POST', body: JSON.stringify(body), signal: within })
    if (!answer.ok) throw new Error(`${endpoint}${path} answers ${answer.status}`)
    return answer
  }

  const leaseTtl = async (endpoint: string, lease: string): Promise<number> => {
    const answer = await post(endpoint, '/v3/lease/timetolive', { ID: lease }, AbortSignal.timeout(requestMs))
    const { TTL = '0' } = (await answer.json()) as { readonly TTL?: string }
    return Math.min(Math.max(Number(TTL), leaseBounds.least), leaseBounds.most)
  }

  const put = async (endpoint: string, { key, value = '', lease = '0' }: KeyValue): Promise<void> => {
    const path = decode(key)
    try {
      const record = parseSkyRecord(decode(value))
      const ttl = lease === '0' ? record.ttl : Math.min(record.ttl, await leaseTtl(endpoint, lease))
      onEntries(path, [{ name: nameOfPath(path, prefix), record: { ...record, ttl } }])
    } catch (error) {
      log.warn({ err: error, key: path }, 'this record of etcd is left out')
      onEntries(path, [])
    }
    known.add(path)
  }

  const drop = (path: string): void => {
    onEntries(path, [])
    known.delete(path)
  }

  const follow = async (endpoint: string): Promise<void> => {
    const range = rangeOf(`${prefix}/`)
    const within = AbortSignal.any([signal, AbortSignal.timeout(requestMs)])
    const listed = (await (await post(endpoint, '/v3/kv/range', range, within)).json()) as {
      readonly header: { readonly revision: string }
      readonly kvs?: readonly KeyValue[]
    }
    const before = known
    known = new Set()
    for (const each of listed.kvs ?? []) await put(endpoint, each)
    for (const path of before) if (!known.has(path)) drop(path)
    const start = { ...range, start_revision: String(BigInt(listed.header.revision) + 1n) }
    const watching = await post(endpoint, '/v3/watch', { create_request: start }, signal)
    if (!watching.body) throw new Error(`${endpoint} ends the watch at once`)
    for await (const line of jsonLines(watching.body)) {
      const { result } = line as WatchLine
      if (result?.canceled) throw new Error(`${endpoint} has cancelled the watch`)
      for (const { type, kv } of result?.events ?? [])
        if (type === 'DELETE') drop(decode(kv.key))
        else await put(endpoint, kv)
    }
    throw new Error(`${endpoint} has ended the watch`)
  }

  for (let failures = 0; !signal.aborted; ) {
    const endpoint = endpoints[failures % endpoints.length] ?? ''
    const began = clock.now()
    try {
      await follow(endpoint)
    } catch (error) {
      if (signal.aborted) return
      failures = clock.now() - began > retryMaxMs ? 1 : failures + 1
      const retryInMs = Math.min(retryBaseMs * 2 ** Math.min(failures, 10), retryMaxMs)
      log.warn({ err: error, endpoint, retryInMs }, 'cannot follow etcd')
      await sleep(retryInMs, signal, clock)
    }
  }
}
