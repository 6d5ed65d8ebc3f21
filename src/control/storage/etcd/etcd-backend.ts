/** Objects in etcd 3.4 or later, which several servers may share. The resourceVersion is etcd's own revision. */

import { randomUUID } from 'node:crypto'
import { errorText } from '../../../api/errors.ts'
import { type Backend, type Kept, type Operation, RevisionMismatch } from '../backend.ts'
import { EntryTooLarge } from '../store.ts'
import { isCompacted, isServiceError, isTooLarge } from './errors.ts'
import { followEtcd } from './follow.ts'
import { etcdKeys } from './keys.ts'
import { type MembersOptions, openMembers } from './members.ts'
import type { KeyValue, RangeResponse, RequestOp } from './schema.ts'

export interface EtcdOptions extends MembersOptions {
  /** All keys begin so: `/podway`. */
  readonly prefix: string
  /** What is older is forgotten, as Kubernetes does. */
  readonly compactEveryMs?: number
}

const pageSize = 500
const defaultCompactMs = 300_000

/** Calls that come while one is under way share the next one: what it finds is newer than all of them. */
const shared = <T>(call: () => Promise<T>): (() => Promise<T>) => {
  let running: Promise<unknown> | undefined
  let next: Promise<T> | undefined
  const start = (): Promise<T> => {
    next = undefined
    const started = call()
    const settled = started.then(
      () => undefined,
      () => undefined,
    )
    running = settled
    void settled.then(() => {
      if (running === settled) running = undefined
    })
    return started
  }
  return () => {
    if (!running) return start()
    next ??= running.then(start)
    return next
  }
}

/** Throws when a certificate cannot be read; nothing is asked yet. */
export const openEtcdBackend = (options: EtcdOptions): Backend => {
  const { prefix, compactEveryMs = defaultCompactMs, onProblem = () => undefined } = options
  const members = openMembers(options)
  const keys = etcdKeys(prefix)

  /** All there is, page by page, as of the revision of the first. */
  const load = async () => {
    const kept: Kept[] = []
    let revision = 0
    let from = keys.all.key
    for (;;) {
      const page = await members.ask('Range', { ...keys.all, key: from, limit: pageSize, revision }, true)
      revision ||= page.header.revision
      for (const { key: at, modRevision, value } of page.kvs) {
        const key = keys.parse(at)
        if (key) kept.push({ key, revision: modRevision, value: value.toString() })
      }
      const last = page.kvs.at(-1)
      if (!page.more || !last) return { revision, kept }
      from = Buffer.concat([last.key, Buffer.from([0])])
    }
  }

  const latest = shared(async () => {
    const { kvs } = await members.ask('Range', { key: keys.latest }, true)
    return kvs[0]?.modRevision ?? 0
  })

  const write = ({ key, value }: Operation): RequestOp =>
    value === undefined
      ? { requestDeleteRange: { key: keys.of(key) } }
      : { requestPut: { key: keys.of(key), value: Buffer.from(value) } }

  const foundOf = (answer: { readonly responseRange?: RangeResponse } | undefined): KeyValue | undefined =>
    answer?.responseRange?.kvs[0]

  const commit = async (operations: readonly Operation[]): Promise<number> => {
    const mark: RequestOp = { requestPut: { key: keys.latest, value: Buffer.from(randomUUID()) } }
    const look = (key: Buffer): RequestOp => ({ requestRange: { key, keysOnly: true } })
    try {
      const { succeeded, header, responses } = await members.ask('Txn', {
        compare: operations.map(({ key, expected }) => ({
          target: 'MOD' as const,
          key: keys.of(key),
          modRevision: expected,
        })),
        success: [mark, ...operations.map(write)],
        failure: [look(keys.latest), ...operations.map(({ key }) => look(keys.of(key)))],
      })
      if (succeeded) return header.revision
      const actual = operations.map((_, at) => foundOf(responses[at + 1])?.modRevision ?? 0)
      const wrong = operations.findIndex(({ expected }, at) => actual[at] !== expected)
      const { key, expected } = operations[wrong] ?? { key: { bucket: '', name: '' }, expected: 0 }
      throw new RevisionMismatch(key, expected, actual[wrong] ?? 0, foundOf(responses[0])?.modRevision ?? 0)
    } catch (error) {
      const [largest] = [...operations].sort((a, b) => (b.value?.length ?? 0) - (a.value?.length ?? 0))
      if (largest && isServiceError(error) && isTooLarge(error))
        throw new EntryTooLarge(largest.key, Buffer.byteLength(largest.value ?? ''))
      throw error
    }
  }

  /** The latest revision when this server looked last: older ones have had their time. */
  let previous = 0
  const compact = async (): Promise<void> => {
    try {
      const now = await latest()
      if (previous > 0) await members.ask('Compact', { revision: previous })
      previous = now
    } catch (error) {
      // Another server was faster.
      if (isServiceError(error) && isCompacted(error)) previous = 0
      else onProblem(`cannot compact etcd: ${errorText(error)}`)
    }
  }
  const following = new Set<() => void>()
  const compacting = setInterval(() => void compact(), compactEveryMs)
  compacting.unref()

  return {
    load,
    commit,
    latest,
    follow: (revision, follower) => {
      const stop = followEtcd(members, keys, revision, follower)
      following.add(stop)
      return () => {
        following.delete(stop)
        stop()
      }
    },
    close: async () => {
      clearInterval(compacting)
      for (const stop of following) stop()
      members.close()
    },
  }
}
