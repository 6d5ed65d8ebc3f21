/**
 * Nothing is made that a ResourceQuota has no room for. What is about to be made is counted from the moment it is admitted
 * until the store has it; and the quota's status says so before it is made, so that another server sees it, too.
 */
import type { Clock } from '../../api/clock.ts'
import { type ApiError, conflict, forbidden } from '../../api/errors.ts'
import { type Amount, amountOf, amountText, largerAmount, noAmount } from '../../api/quantity.ts'
import { objectKey } from '../../api/resources.ts'
import type { KubeObject, Pod } from '../../api/types/index.ts'
import type { ResourceQuota } from '../../api/types/kubernetes/core-v1.ts'
import type { Admission, Review } from '../objects/admission.ts'
import { exceeded, unspecified } from '../quota/check.ts'
import { counts } from '../quota/scopes.ts'
import { changesUsage, usageOf } from '../quota/usage.ts'
import { type Amounts, addAll } from '../resources/core/pod-resources.ts'
import { resourceQuota as quotas } from '../resources/core/resource-quota.ts'
import { bucketOf, type ResourceDefinition } from '../resources/definition.ts'
import { RevisionMismatch } from '../storage/backend.ts'
import type { Entry, Store } from '../storage/store.ts'

/** What is admitted, and not in the store yet. */
interface Reservation {
  readonly definition: ResourceDefinition
  readonly object: KubeObject
  /** As it was when this was admitted: 0 for a new one. */
  readonly revision: number
  /** By quota, what it takes more than before. */
  readonly more: ReadonlyMap<string, Amounts>
}

const attempts = 16
const ignored = ['events', 'events.events.k8s.io']

const minus = (amount: Amount): Amount => ({ ...amount, nanos: -amount.nanos })
const negated = (amounts: Amounts): Amounts => new Map([...amounts].map(([name, amount]) => [name, minus(amount)]))

const reservationKey = ({ definition, object }: Pick<Review, 'definition' | 'object'>): string =>
  `${bucketOf(definition)} ${object.metadata.uid}`

export const resourceQuota = (store: Store, clock: Clock): Admission => {
  const reservations = new Map<string, Reservation>()
  /** One after the other in each namespace: the quota's status is what they share. */
  const turns = new Map<string, Promise<unknown>>()

  const quotasOf = (namespace: string): readonly Entry[] =>
    store.list(bucketOf(quotas)).entries.filter(({ object }) => object.metadata.namespace === namespace)

  const storeKey = (definition: ResourceDefinition, object: KubeObject) => ({
    bucket: bucketOf(definition),
    name: objectKey(object),
  })

  const dropSettled = (): void => {
    for (const [key, { definition, object, revision }] of reservations)
      if ((store.get(storeKey(definition, object))?.revision ?? 0) !== revision) reservations.delete(key)
  }

  const usageIn = (quota: ResourceQuota, definition: ResourceDefinition, object: KubeObject): Amounts =>
    counts(quota, definition, object) ? usageOf(definition, object, clock.now()) : new Map()

  /** Of the kind's names only: what the store has, and what is about to come. */
  const presentUsage = (quota: ResourceQuota, definition: ResourceDefinition, except: string): Amounts => {
    dropSettled()
    const { namespace } = quota.metadata
    const there = store
      .list(bucketOf(definition))
      .entries.filter(({ object }) => object.metadata.namespace === namespace)
      .map(({ object }) => usageIn(quota, definition, object))
    const coming = [...reservations]
      .filter(([key, each]) => key !== except && each.definition === definition)
      .map(([, each]) => each.more.get(objectKey(quota)) ?? new Map())
    return [...there, ...coming].reduce(addAll, new Map())
  }

  const refuse = ({ definition, object }: Review, why: string): ApiError =>
    forbidden(definition, object.metadata.name, why)

  /** What the quota counts of the write; undefined when it does not count any of it. */
  const increaseFor = (quota: ResourceQuota, { definition, object, old }: Review): Amounts | undefined => {
    // As in Kubernetes, a quota limits from the moment on that the controller has taken it up.
    const hard = quota.status.hard ?? {}
    const before = old ? negated(usageIn(quota, definition, old)) : new Map()
    const increase = addAll(usageIn(quota, definition, object), before)
    const counted = [...increase].filter(([name, { nanos }]) => hard[name] !== undefined && nanos !== 0n)
    return counted.length === 0 ? undefined : new Map(counted)
  }

  /** The status with the write counted in. Throws Forbidden. */
  const admitted = (quota: ResourceQuota, increase: Amounts, review: Review, key: string): ResourceQuota => {
    const { name } = quota.metadata
    const { hard = {}, used = {} } = quota.status
    const names = [...increase.keys()].sort()
    const silent = bucketOf(review.definition) === 'pods' && unspecified(review.object as Pod, hard)
    if (silent) throw refuse(review, `failed quota: ${name}: ${silent}`)
    if (names.some((each) => used[each] === undefined))
      throw refuse(review, `status unknown for quota: ${name}, resources: ${names.join(',')}`)
    const present = presentUsage(quota, review.definition, key)
    const before = new Map(
      names.map((each) => [each, largerAmount(amountOf(used[each]), present.get(each) ?? noAmount)]),
    )
    const full = exceeded(name, increase, before, hard)
    if (full !== undefined) throw refuse(review, full)
    const after = [...addAll(before, increase)].map(([each, amount]) => [each, amountText(amount)])
    return { ...quota, status: { hard, used: { ...used, ...Object.fromEntries(after) } } }
  }

  const reserve = async (review: Review): Promise<void> => {
    const { definition, object, old, dryRun } = review
    const key = reservationKey(review)
    for (let attempt = 0; attempt < attempts; attempt++) {
      const counting = quotasOf(object.metadata.namespace ?? '').flatMap((entry) => {
        const quota = entry.object as ResourceQuota
        const increase = increaseFor(quota, review)
        return increase ? [{ entry, quota, increase }] : []
      })
      if (counting.length === 0) return
      const writes = counting.map(({ entry, quota, increase }) => ({
        ...{ key: entry.key, expected: entry.revision },
        object: admitted(quota, increase, review, key),
      }))
      if (dryRun) return
      reservations.set(key, {
        ...{ definition, object, revision: old ? Number(old.metadata.resourceVersion) : 0 },
        more: new Map(counting.map(({ quota, increase }) => [objectKey(quota), increase])),
      })
      try {
        await store.commit(...writes)
        return
      } catch (error) {
        reservations.delete(key)
        if (!(error instanceof RevisionMismatch)) throw error
      }
    }
    throw conflict(
      definition,
      object.metadata.name,
      'the quotas of the namespace are being changed too often by others',
    )
  }

  const inTurn = async (namespace: string, work: () => Promise<void>): Promise<void> => {
    const before = turns.get(namespace) ?? Promise.resolve()
    const mine = before.then(work)
    const settled = mine.catch(() => undefined)
    turns.set(namespace, settled)
    try {
      await mine
    } finally {
      if (turns.get(namespace) === settled) turns.delete(namespace)
    }
  }

  return {
    name: 'ResourceQuota',
    admit: async (review) => {
      const { operation, definition, object } = review
      const { namespace } = object.metadata
      const matters = operation === 'create' || changesUsage(definition)
      if (namespace === undefined || !matters || ignored.includes(bucketOf(definition))) return object
      if (quotasOf(namespace).length > 0) await inTurn(namespace, () => reserve(review))
      return object
    },
    revoke: (review) => void reservations.delete(reservationKey(review)),
  }
}
