/** Brings the slices of one Service that one manager made in line with what is wanted. */
import type { Client } from '../../../api/client.ts'
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
  /** When what is written now began to change, as RFC 3339. */
  readonly trigger: string | undefined
}

/** Only what is wanted of the metadata: whatever else is there stays. */
const metadataOf = ({ labels, trigger }: SliceOwner) => ({
  labels,
  ...(trigger === undefined ? {} : { annotations: { [triggerAnnotation]: trigger } }),
})

const hasLabels = ({ metadata }: EndpointSlice, labels: StringMap): boolean =>
  Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value)

export const writeSlices = async (
  client: Client,
  expectations: Expectations,
  owner: SliceOwner,
  slices: readonly EndpointSlice[],
  groups: readonly EndpointGroup[],
): Promise<void> => {
  const { create, update, remove } = planSlices(groups, slices)
  const changed = new Set([...update.map(({ slice }) => slice), ...remove])
  const relabelled = slices.filter((slice) => !changed.has(slice) && !hasLabels(slice, owner.labels))

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
    await client.patch(endpointSlices, slice, { metadata: { resourceVersion, ...metadataOf(owner) }, endpoints })
  }
  for (const slice of relabelled) await client.patch(endpointSlices, slice, { metadata: { labels: owner.labels } })
  for (const slice of remove)
    await client.delete(endpointSlices, slice).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
}
