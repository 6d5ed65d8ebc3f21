/** Brings the slices of one Service that one manager made in line with what is wanted. */
import type { Client } from '../../../api/client.ts'
import { deepEqual } from '../../../api/deep-equal.ts'
import { isNotFound } from '../../../api/errors.ts'
import { endpointSlices } from '../../../api/resources.ts'
import type { EndpointSlice, OwnerReference, StringMap } from '../../../api/types/index.ts'
import type { Expectations } from '../../../controller/expectations.ts'
import type { EndpointGroup } from './service-endpoints.ts'
import { planSlices } from './slice-plan.ts'

export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
export const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time'

export interface SliceOwner {
  /** The key of the Service. */
  readonly key: string
  readonly namespace: string
  readonly name: string
  readonly labels: StringMap
  readonly owner: OwnerReference
  /** All that its slices have, but for the trigger; missing: they are others'. */
  readonly annotations?: StringMap
  /** When what is written now began to change, as RFC 3339. */
  readonly trigger: string | undefined
}

const metadataOf = ({ labels, annotations, trigger }: SliceOwner) => ({
  labels,
  ...(annotations === undefined && trigger === undefined
    ? {}
    : { annotations: { ...annotations, ...(trigger === undefined ? {} : { [triggerAnnotation]: trigger }) } }),
})

/** As a merge patch: what is not wanted is taken away. */
const changesTo = (wanted: StringMap, present: StringMap = {}): Readonly<Record<string, string | null>> => ({
  ...Object.fromEntries(Object.keys(present).map((key) => [key, null])),
  ...wanted,
})

const withoutTrigger = (annotations: StringMap = {}): StringMap =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => key !== triggerAnnotation))

const metadataChanges = (owner: SliceOwner, { metadata }: EndpointSlice) => {
  const { annotations, ...wanted } = metadataOf(owner)
  const present = owner.annotations === undefined ? {} : withoutTrigger(metadata.annotations)
  return {
    labels: changesTo(wanted.labels, metadata.labels),
    ...(annotations === undefined ? {} : { annotations: changesTo(annotations, present) }),
  }
}

/** What moves without the endpoints: not the trigger. */
const hasMetadata = ({ metadata }: EndpointSlice, { labels, annotations }: SliceOwner): boolean =>
  deepEqual(metadata.labels ?? {}, labels) &&
  (annotations === undefined || deepEqual(withoutTrigger(metadata.annotations), annotations))

export const writeSlices = async (
  client: Client,
  expectations: Expectations,
  owner: SliceOwner,
  slices: readonly EndpointSlice[],
  groups: readonly EndpointGroup[],
): Promise<void> => {
  const { create, update, remove } = planSlices(groups, slices)
  const changed = new Set([...update.map(({ slice }) => slice), ...remove])
  const relabelled = slices.filter((slice) => !changed.has(slice) && !hasMetadata(slice, owner))

  for (const { group, endpoints } of create) {
    const { namespace, name, owner: reference } = owner
    const made = await client.create(endpointSlices, {
      metadata: {
        ...{ ...metadataOf(owner), name: '', namespace },
        ...{ generateName: `${name}-`, ownerReferences: [reference] },
      },
      ...{ addressType: group.addressType, ports: group.ports, endpoints },
    })
    expectations.created(owner.key, made)
  }
  for (const { slice, endpoints } of update) {
    const { resourceVersion } = slice.metadata
    await client.patch(endpointSlices, slice, {
      metadata: { resourceVersion, ...metadataChanges(owner, slice) },
      endpoints,
    })
  }
  for (const slice of relabelled)
    await client.patch(endpointSlices, slice, { metadata: metadataChanges({ ...owner, trigger: undefined }, slice) })
  for (const slice of remove)
    await client
      .delete(endpointSlices, slice, { preconditions: { uid: slice.metadata.uid ?? '' } })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      })
}
