/**
 * What a controller has written and its informer has not shown yet. Whoever decides by a stale copy creates twice, or takes what
 * others are counted on to leave: a key with unmet expectations has to wait.
 */
import type { Clock } from '../api/clock.ts'
import type { Informer } from '../api/informer.ts'
import { objectKey } from '../api/resources.ts'
import type { KubeObject } from '../api/types/index.ts'
import { isOlder } from './own-writes.ts'

export interface Expectations {
  created(key: string, object: KubeObject): void
  /** The object as it was answered: the copy has to be as new. */
  updated(key: string, object: KubeObject): void
  deleted(key: string, object: KubeObject): void
  /** Everything that was written for `key` has been seen, or is so old that it never will be. */
  areMet(key: string): boolean
  forget(key: string): void
}

interface Expectation {
  readonly key: string
  readonly object: KubeObject
  readonly write: 'created' | 'updated' | 'deleted'
  readonly at: number
}

/** An informer that is further behind than this has lost the event for good. */
const giveUpMs = 30_000

export const createExpectations = (informer: Informer<KubeObject>, clock: Clock): Expectations => {
  const pending = new Map<string, Set<Expectation>>()
  /** Of what was made, by its uid: every change of the copy is looked up here, however much is waited for. */
  const made = new Map<string, Expectation>()

  const drop = (each: Expectation): void => {
    const { uid = '' } = each.object.metadata
    const left = pending.get(each.key)
    if (left?.delete(each) && left.size === 0) pending.delete(each.key)
    if (made.get(uid) === each) made.delete(uid)
  }

  const isSeen = ({ object, write }: Expectation): boolean => {
    const seen = informer.get(objectKey(object))
    const isSame = seen?.metadata.uid === object.metadata.uid
    if (write === 'created') return isSame
    // What is gone or replaced by now was so later than this write.
    if (!seen || !isSame) return true
    return write === 'updated' ? !isOlder(seen, object) : seen.metadata.deletionTimestamp !== undefined
  }

  const expect = (key: string, object: KubeObject, write: Expectation['write']): void => {
    const each: Expectation = { key, object, write, at: clock.now() }
    pending.set(key, (pending.get(key) ?? new Set()).add(each))
    if (write === 'created') made.set(object.metadata.uid ?? '', each)
  }

  // A thing that came and went while nobody looked is seen here only.
  informer.onChange((_key, current, previous) => {
    const found = made.get((current ?? previous)?.metadata.uid ?? '')
    if (found) drop(found)
  })

  return {
    created: (key, object) => expect(key, object, 'created'),
    updated: (key, object) => expect(key, object, 'updated'),
    deleted: (key, object) => expect(key, object, 'deleted'),
    areMet: (key) => {
      for (const each of pending.get(key) ?? []) if (isSeen(each) || clock.now() - each.at >= giveUpMs) drop(each)
      return !pending.has(key)
    },
    forget: (key) => {
      for (const each of pending.get(key) ?? []) drop(each)
    },
  }
}
