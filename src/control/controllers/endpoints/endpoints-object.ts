/** The Endpoints object for clients that do not know slices. Pure. */
import type { EndpointAddress, EndpointSubset } from '../../../api/types/index.ts'
import type { EndpointGroup } from './service-endpoints.ts'

/** One object holds no more addresses; clients that need more read slices. */
const maxAddresses = 1000
export const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity'

const isLower = (a: EndpointAddress, b: EndpointAddress): number => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0)

/** `isTruncated` when not everything found its place. */
export const toSubsets = (
  groups: readonly EndpointGroup[],
): { readonly subsets: readonly EndpointSubset[]; readonly isTruncated: boolean } => {
  let room = maxAddresses
  let isTruncated = false
  // Of two families, old clients see the first.
  const family = groups[0]?.addressType
  const subsets = groups
    .filter(({ addressType }) => addressType === family)
    .map(({ ports, endpoints }): EndpointSubset => {
      const pick = (wanted: boolean): EndpointAddress[] => {
        const all = endpoints
          .filter(({ conditions }) => (conditions?.ready ?? true) === wanted && !(conditions?.terminating && !wanted))
          .map(({ addresses, hostname, nodeName, targetRef }) => ({
            ip: addresses[0] ?? '',
            ...(hostname === undefined ? {} : { hostname }),
            ...(nodeName === undefined ? {} : { nodeName }),
            ...(targetRef === undefined ? {} : { targetRef }),
          }))
          .sort(isLower)
        const taken = all.slice(0, room)
        isTruncated ||= taken.length < all.length
        room -= taken.length
        return taken
      }
      const addresses = pick(true)
      const notReadyAddresses = pick(false)
      return {
        ...(addresses.length > 0 ? { addresses } : {}),
        ...(notReadyAddresses.length > 0 ? { notReadyAddresses } : {}),
        ports: ports.map(({ name, port, protocol, appProtocol }) => ({
          ...(name ? { name } : {}),
          port: port ?? 0,
          ...(protocol === undefined ? {} : { protocol }),
          ...(appProtocol === undefined ? {} : { appProtocol }),
        })),
      }
    })
    .filter(({ addresses, notReadyAddresses }) => addresses || notReadyAddresses)
  return { subsets, isTruncated }
}
