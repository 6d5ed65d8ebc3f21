/**
 * Nothing is made that a ResourceQuota has no room for. What an object takes is written into the quota's status in the commit of
 * the object itself, compared with what the store had when it was counted: what fails has taken nothing, and several servers
 * together give out no more than there is.
 */
import type { Clock } from '../../api/clock.ts'
import { type ApiError, conflict, forbidden } from '../../api/errors.ts'
import { type Amount, amountText, noAmount } from '../../api/quantity.ts'
import type { KubeObject, Pod } from '../../api/types/index.ts'
import type { ResourceQuota } from '../../api/types/kubernetes/core-v1.ts'
import type { Accounting, Writing } from '../objects/admission.ts'
import { exceeded, unspecified } from '../quota/check.ts'
import { counts } from '../quota/scopes.ts'
import { changesUsage, usageOf } from '../quota/usage.ts'
import { type Amounts, addAll } from '../resources/core/pod-resources.ts'
import { resourceQuota as quotas } from '../resources/core/resource-quota.ts'
import { bucketOf, type ResourceDefinition } from '../resources/definition.ts'
import { pathOf, RevisionMismatch } from '../storage/backend.ts'
import type { Entry, Store, Write } from '../storage/store.ts'

const attempts = 16
const ignored = ['events', 'events.events.k8s.io']

const minus = (amount: Amount): Amount => ({ ...amount, nanos: -amount.nanos })
const negated = (amounts: Amounts): Amounts => new Map([...amounts].map(([name, amount]) => [name, minus(amount)]))

interface Taken {
  readonly entry: Entry
  readonly increase: Amounts
}

/** A write with an object. */
type Taking = Writing & { readonly object: KubeObject }

export const resourceQuota = (store: Store, clock: Clock): Accounting => {
  /** One after the other in each namespace: else those of one server would only be in each other's way. */
  const turns = new Map<string, Promise<unknown>>()

  const quotasOf = (namespace: string): readonly Entry[] =>
    store.list(bucketOf(quotas)).entries.filter(({ object }) => object.metadata.namespace === namespace)

  const usageIn = (quota: ResourceQuota, definition: ResourceDefinition, object: KubeObject): Amounts =>
    counts(quota, definition, object) ? usageOf(definition, object, clock.now()) : new Map()

  /** What all objects of the kind take now. */
  const presentUsage = (quota: ResourceQuota, definition: ResourceDefinition): Amounts =>
    store
      .list(bucketOf(definition))
      .entries.filter(({ object }) => object.metadata.namespace === quota.metadata.namespace)
      .map(({ object }) => usageIn(quota, definition, object))
      .reduce(addAll, new Map())

  /** What the quota counts of the write; undefined when it takes no more of anything. */
  const increaseFor = (quota: ResourceQuota, { definition, object, old }: Taking): Amounts | undefined => {
    // As in Kubernetes, a quota limits from the moment on that the controller has taken it up.
    const hard = quota.status.hard ?? {}
    const before = old ? negated(usageIn(quota, definition, old)) : new Map()
    const increase = addAll(usageIn(quota, definition, object), before)
    const counted = [...increase].filter(([name, { nanos }]) => hard[name] !== undefined && nanos !== 0n)
    return counted.some(([, { nanos }]) => nanos > 0n) ? new Map(counted) : undefined
  }

  /** The quota with the write counted in. Throws Forbidden. */
  const withTaken = ({ entry, increase }: Taken, { definition, object }: Taking): ResourceQuota => {
    const quota = entry.object as ResourceQuota
    const refuse = (why: string): ApiError => forbidden(definition, object.metadata.name, why)
    const { name } = quota.metadata
    const { hard = {}, used = {} } = quota.status
    const names = [...increase.keys()].sort()
    const silent = bucketOf(definition) === 'pods' && unspecified(object as Pod, hard)
    if (silent) throw refuse(`failed quota: ${name}: ${silent}`)
    if (names.some((each) => used[each] === undefined))
      throw refuse(`status unknown for quota: ${name}, resources: ${names.join(',')}`)
    const present = presentUsage(quota, definition)
    const before = new Map(names.map((each) => [each, present.get(each) ?? noAmount]))
    const full = exceeded(name, increase, before, hard)
    if (full !== undefined) throw refuse(full)
    const after = [...addAll(before, increase)].map(([each, amount]) => [each, amountText(amount)])
    return { ...quota, status: { hard, used: { ...used, ...Object.fromEntries(after) } } }
  }

  const writesFor = (taking: Taking): readonly Write[] =>
    quotasOf(taking.object.metadata.namespace ?? '').flatMap((entry) => {
      const increase = increaseFor(entry.object as ResourceQuota, taking)
      if (!increase) return []
      return [{ key: entry.key, expected: entry.revision, object: withTaken({ entry, increase }, taking) }]
    })

  const take = async <T>(taking: Taking, commit: (beside: readonly Write[]) => Promise<T>): Promise<T> => {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const writes = writesFor(taking)
      try {
        return await commit(writes)
      } catch (error) {
        // Another server took of it, or a controller has counted: what there is now decides.
        const isOurs = error instanceof RevisionMismatch && writes.some(({ key }) => pathOf(key) === pathOf(error.key))
        if (!isOurs) throw error
      }
    }
    throw conflict(
      taking.definition,
      taking.object.metadata.name,
      'the quotas of the namespace are being changed too often by others',
    )
  }

  const inTurn = async <T>(namespace: string, work: () => Promise<T>): Promise<T> => {
    const before = turns.get(namespace) ?? Promise.resolve()
    const mine = before.then(work)
    const settled = mine.catch(() => undefined)
    turns.set(namespace, settled)
    try {
      return await mine
    } finally {
      if (turns.get(namespace) === settled) turns.delete(namespace)
    }
  }

  return {
    charge: (writing, commit) => {
      const { definition, object, old } = writing
      const matters = object !== undefined && (!old || changesUsage(definition))
      const namespace = object?.metadata.namespace
      if (!matters || namespace === undefined || ignored.includes(bucketOf(definition))) return commit([])
      if (quotasOf(namespace).length === 0) return commit([])
      return inTurn(namespace, () => take({ ...writing, object }, commit))
    },
  }
}
