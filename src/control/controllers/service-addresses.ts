/** Ranges and addresses of Services as objects: each cluster address has an IPAddress, each range says whether it is used. */

import { withCondition } from '../../api/conditions.ts'
import { isAlreadyExists, isNotFound } from '../../api/errors.ts'
import { ipAddresses, serviceCIDRs, services } from '../../api/resources.ts'
import type { Condition, IPAddress, Service, ServiceCIDR } from '../../api/types/index.ts'
import type { Outcome } from '../../api/work-queue.ts'
import { createQueue } from '../../controller/queue.ts'
import { parseAddress } from '../../ip/address.ts'
import { cidrOf, contains } from '../../ip/cidr.ts'
import { isManagedAddress, serviceAddress, serviceOfAddress } from '../resources/networking/service-address.ts'
import type { CreateController } from './controller.ts'
import { writeStatus } from './write-status.ts'

const name = 'service-addresses'
/** Holds a range that still has addresses, as Kubernetes does. */
export const serviceCIDRFinalizer = 'networking.k8s.io/service-cidr-finalizer'

const addressesOf = ({ spec }: Service): readonly string[] => (spec.clusterIPs ?? []).filter((each) => each !== 'None')

const isWithin = (address: string, { spec }: ServiceCIDR): boolean => {
  const parsed = parseAddress(address)
  return parsed !== undefined && (spec?.cidrs ?? []).some((cidr) => contains(cidrOf(cidr), parsed))
}

const conditionsOf = ({ metadata, status }: ServiceCIDR, now: number): readonly Condition[] => {
  const isLeaving = metadata.deletionTimestamp !== undefined
  const ready = {
    ...({ type: 'Ready', status: isLeaving ? 'False' : 'True' } as const),
    ...(isLeaving
      ? {
          reason: 'Terminating',
          message:
            'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
        }
      : { reason: '', message: 'Kubernetes Service CIDR is ready' }),
  }
  return withCondition(status?.conditions, ready, now)
}

export const createServiceAddressController: CreateController = (context) => {
  const { client, clock, informers } = context
  const serviceCopies = informers.of(services)
  const ranges = informers.of(serviceCIDRs)
  const addresses = informers.of(ipAddresses)

  const parentOf = (address: IPAddress): Service | undefined => serviceCopies.get(serviceOfAddress(address) ?? '')

  /** Of one address: it is there while a Service has it. */
  const syncAddress = async (address: string): Promise<void> => {
    const there = addresses.get(address)
    const [owner] = serviceCopies.by('clusterIP', address)
    const isOurs = there !== undefined && isManagedAddress(there)
    if (isOurs && (!owner || parentOf(there) !== owner))
      await client
        .delete(ipAddresses, there, { preconditions: { uid: there.metadata.uid ?? '' } })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error
        })
    if (!owner || (there && parentOf(there) === owner)) return
    await client.create(ipAddresses, serviceAddress(address, owner)).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
  }

  const syncRange = async (range: ServiceCIDR): Promise<void> => {
    const { finalizers = [], deletionTimestamp } = range.metadata
    const others = [...ranges.values()].filter((each) => each !== range && !each.metadata.deletionTimestamp)
    const isUsed = [...addresses.values()].some(
      ({ metadata }) => isWithin(metadata.name, range) && !others.some((other) => isWithin(metadata.name, other)),
    )
    const isHeld = finalizers.includes(serviceCIDRFinalizer)
    const kept = finalizers.filter((each) => each !== serviceCIDRFinalizer)
    if (deletionTimestamp !== undefined && !isUsed && isHeld)
      return void (await client.patch(serviceCIDRs, range, { metadata: { finalizers: kept } }))
    if (deletionTimestamp === undefined && !isHeld)
      await client.patch(serviceCIDRs, range, { metadata: { finalizers: [...kept, serviceCIDRFinalizer] } })
    const conditions = conditionsOf(range, clock.now())
    await writeStatus(client, serviceCIDRs, range, { conditions })
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    if (parseAddress(key)) await syncAddress(key)
    else {
      const range = ranges.get(key)
      if (range) await syncRange(range)
    }
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)
  const addRanges = (): void => {
    for (const [key] of ranges.entries()) queue.add(key)
  }

  return {
    name,
    run: (signal) => {
      serviceCopies.onChange((_key, current, previous) => {
        const before = previous ? addressesOf(previous) : []
        const after = current ? addressesOf(current) : []
        if (current && previous && before.join() === after.join()) return
        for (const address of [...before, ...after]) queue.add(address)
      })
      ranges.onChange(addRanges)
      addresses.onChange((key, current) => {
        queue.add(key)
        if (!current) addRanges()
      })
      return queue.run(signal)
    },
  }
}
