/**
 * Spreads endpoints over slices so that a change touches as few slices as possible: everybody watches them, and each
 * change is sent to everybody. Pure.
 */

import { deepEqual } from '../../../api/deep-equal.ts'
import type { Endpoint, EndpointSlice } from '../../../api/types/index.ts'
import { type EndpointGroup, groupKey } from './service-endpoints.ts'

/** The most endpoints of one slice. */
export const sliceSize = 100

export interface SliceContent {
  readonly group: Omit<EndpointGroup, 'endpoints'>
  readonly endpoints: readonly Endpoint[]
}

export interface SlicePlan {
  readonly create: readonly SliceContent[]
  readonly update: readonly { readonly slice: EndpointSlice; readonly endpoints: readonly Endpoint[] }[]
  readonly remove: readonly EndpointSlice[]
}

const identity = ({ addresses, targetRef }: Endpoint): string => `${targetRef?.uid ?? ''}/${addresses[0]}`

interface Draft {
  readonly slice: EndpointSlice
  readonly endpoints: Endpoint[]
  isChanged: boolean
}

/** What each slice keeps of what is wanted, and what is wanted and in no slice yet. */
const keep = (slices: readonly EndpointSlice[], wanted: ReadonlyMap<string, Endpoint>) => {
  const missing = new Map(wanted)
  const drafts = slices.map((slice): Draft => {
    const draft: Draft = { slice, endpoints: [], isChanged: false }
    for (const endpoint of slice.endpoints) {
      const target = missing.get(identity(endpoint))
      if (target) draft.endpoints.push(target)
      if (!target || !deepEqual(target, endpoint)) draft.isChanged = true
      missing.delete(identity(endpoint))
    }
    return draft
  })
  return { drafts, missing: [...missing.values()] }
}

/** Newcomers go where something changes anyway; fullest first, so that few slices are in use. */
const fill = (drafts: readonly Draft[], missing: Endpoint[]): void => {
  const order = drafts.toSorted(
    (a, b) => Number(b.isChanged) - Number(a.isChanged) || b.endpoints.length - a.endpoints.length,
  )
  for (const draft of order) {
    const added = missing.splice(0, sliceSize - draft.endpoints.length)
    if (added.length === 0) continue
    draft.endpoints.push(...added)
    draft.isChanged = true
  }
}

const planGroup = (group: EndpointGroup, slices: readonly EndpointSlice[]): SlicePlan => {
  const { drafts, missing } = keep(slices, new Map(group.endpoints.map((endpoint) => [identity(endpoint), endpoint])))
  fill(drafts, missing)
  const create: SliceContent[] = []
  while (missing.length > 0) create.push({ group, endpoints: missing.splice(0, sliceSize) })
  return {
    create,
    update: drafts.filter(({ isChanged, endpoints }) => isChanged && endpoints.length > 0),
    remove: drafts.filter(({ endpoints }) => endpoints.length === 0).map(({ slice }) => slice),
  }
}

/**
 * How the slices come to hold the groups. Something is always left to see: where nothing is wanted, one empty slice
 * stays (or is made).
 */
export const planSlices = (groups: readonly EndpointGroup[], slices: readonly EndpointSlice[]): SlicePlan => {
  const byKey = Map.groupBy(slices, ({ addressType, ports }) => groupKey(addressType, ports))
  const plans = groups.map((group) => planGroup(group, byKey.get(groupKey(group.addressType, group.ports)) ?? []))
  const used = new Set(groups.map(({ addressType, ports }) => groupKey(addressType, ports)))
  const stale = slices.filter(({ addressType, ports }) => !used.has(groupKey(addressType, ports)))
  const plan: SlicePlan = {
    create: plans.flatMap(({ create }) => create),
    update: plans.flatMap(({ update }) => update),
    remove: [...plans.flatMap(({ remove }) => remove), ...stale],
  }
  return groups.length > 0 ? plan : keepOneEmpty(slices)
}

const keepOneEmpty = ([first, ...others]: readonly EndpointSlice[]): SlicePlan => {
  if (!first) return { create: [{ group: { addressType: 'IPv4', ports: [] }, endpoints: [] }], update: [], remove: [] }
  const update = first.endpoints.length > 0 ? [{ slice: first, endpoints: [] }] : []
  return { create: [], update, remove: others }
}
