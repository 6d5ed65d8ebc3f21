/** What of Endpoints that somebody wrote becomes slices. Pure. */
import { lastAppliedAnnotation } from '../../../api/last-applied.ts'
import { serviceNameLabel, toGroups } from '../../../api/slices.ts'
import type { EndpointAddress, Endpoints, StringMap } from '../../../api/types/index.ts'
import { isAddress } from '../../../ip/address.ts'
import { type EndpointGroup, groupKey } from './service-endpoints.ts'
import { managedByLabel, triggerAnnotation } from './slice-writer.ts'

export const managedBy = 'endpointslicemirroring-controller.k8s.io'

const skipLabel = 'endpointslice.kubernetes.io/skip-mirror'
/** Before there were Leases, leaders were elected by Endpoints. */
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'

export const isLeaderLock = ({ metadata }: Endpoints): boolean => metadata.annotations?.[leaderAnnotation] !== undefined

export const isMirrored = (object: Endpoints): boolean =>
  object.metadata.labels?.[skipLabel] !== 'true' && !isLeaderLock(object)

/** So many addresses of a subset at most. */
export const maxAddresses = 1000

export interface Mirror {
  readonly groups: readonly EndpointGroup[]
  readonly labels: StringMap
  readonly annotations: StringMap
  /** How many addresses are none, and how many more there are than are mirrored. */
  readonly invalid: number
  readonly surplus: number
}

const ofOwn: readonly string[] = [triggerAnnotation, lastAppliedAnnotation]

/** Subsets may have the same ports. */
const merged = (groups: readonly EndpointGroup[]): readonly EndpointGroup[] =>
  [...Map.groupBy(groups, ({ addressType, ports }) => groupKey(addressType, ports)).values()].flatMap((same) =>
    same.slice(0, 1).map((first) => ({ ...first, endpoints: same.flatMap(({ endpoints }) => endpoints) })),
  )

export const mirrorOf = ({ metadata, subsets = [] }: Endpoints): Mirror => {
  let invalid = 0
  let surplus = 0
  const kept = subsets.map(({ addresses = [], notReadyAddresses = [], ...rest }) => {
    let room = maxAddresses
    const keep = (all: readonly EndpointAddress[]): readonly EndpointAddress[] => {
      const valid = all.filter(({ ip }) => isAddress(ip))
      const taken = valid.slice(0, room)
      invalid += all.length - valid.length
      surplus += valid.length - taken.length
      room -= taken.length
      return taken
    }
    return { ...rest, addresses: keep(addresses), notReadyAddresses: keep(notReadyAddresses) }
  })
  return {
    ...{ invalid, surplus, groups: merged(toGroups({ subsets: kept })) },
    labels: { ...metadata.labels, [serviceNameLabel]: metadata.name, [managedByLabel]: managedBy },
    annotations: Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => !ofOwn.includes(key))),
  }
}
