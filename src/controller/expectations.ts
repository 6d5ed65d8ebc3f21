/**
 * What a controller has written and its informer has not shown yet. Whoever decides by a stale copy creates twice: a key
 * with unmet expectations has to wait.
 */
import type { Clock } from '../api/clock.ts'
import type { Informer } from '../api/informer.ts'
import { objectKey } from '../api/resources.ts'
import type { KubeObject } from '../api/types/index.ts'

export interface Expectations {
  created(key: string, object: KubeObject): void
  deleted(key: string, object: KubeObject): void
  /** Everything that was written for `key` has been seen, or is so old that it never will be. */
  areMet(key: string): boolean
  forget(key: string): void
}

interface Expectation {
  readonly object: KubeObject
  readonly isDeleted: boolean
  readonly at: number
}

/** An informer that is further behind than this has lost the event for good. */
const giveUpMs = 30_000

export const createExpectations = (informer: Informer<KubeObject>, clock: Clock): Expectations => {
  const pending = new Map<string, Expectation[]>()

  const isSeen = ({ object, isDeleted }: Expectation): boolean => {
    const seen = informer.get(objectKey(object))
    const isSame = seen?.metadata.uid === object.metadata.uid
    return isDeleted ? !isSame || seen?.metadata.deletionTimestamp !== undefined : isSame
  }

  const expect = (key: string, object: KubeObject, isDeleted: boolean): void => {
    const list = pending.get(key) ?? []
    list.push({ object, isDeleted, at: clock.now() })
    pending.set(key, list)
  }

  // A thing that came and went while nobody looked is seen here only.
  informer.onChange((_key, current, previous) => {
    const uid = (current ?? previous)?.metadata.uid
    for (const [key, list] of pending) {
      const left = list.filter((each) => each.isDeleted || each.object.metadata.uid !== uid)
      if (left.length < list.length) pending.set(key, left)
    }
  })

  return {
    created: (key, object) => expect(key, object, false),
    deleted: (key, object) => expect(key, object, true),
    areMet: (key) => {
      const left = (pending.get(key) ?? []).filter((each) => !isSeen(each) && clock.now() - each.at < giveUpMs)
      if (left.length > 0) pending.set(key, left)
      else pending.delete(key)
      return left.length === 0
    },
    forget: (key) => {
      pending.delete(key)
    },
  }
}
