/** The Service `kubernetes` leads to the API servers that are there: all whose Leases are renewed. */
import { deepEqual } from '../../api/deep-equal.ts'
import { isNotFound } from '../../api/errors.ts'
import { endpointSlices, endpoints, leases } from '../../api/resources.ts'
import type { Lease } from '../../api/types/index.ts'
import type { Outcome } from '../../api/work-queue.ts'
import { sight } from '../../controller/lease-record.ts'
import { createQueue } from '../../controller/queue.ts'
import { apiSliceLabels, wayToApi } from '../bootstrap/bootstrap.ts'
import { census, isServerLease, type Sightings } from '../leadership/servers.ts'
import type { CreateController } from './controller.ts'

const name = 'api-servers'
const key = 'default/kubernetes'

const isOurs = (labels: Readonly<Record<string, string>> = {}): boolean =>
  Object.entries(apiSliceLabels).every(([label, value]) => labels[label] === value)

export const createApiServersController: CreateController = (context) => {
  const { client, informers, clock, log } = context
  const leaseCopies = informers.of(leases)
  const sliceCopies = informers.of(endpointSlices)
  let sightings: Sightings = new Map()
  /** A renewal is noted when it comes; what follows from it is nothing. */
  const note = (lease: Lease): void => {
    const { name: leaseName } = lease.metadata
    sightings = new Map(sightings).set(leaseName, sight(sightings.get(leaseName), lease.spec, clock.now()))
  }

  const reconcile = async (): Promise<Outcome> => {
    const found = census([...leaseCopies.values()].filter(isServerLease), sightings, clock.now())
    sightings = found.sightings
    for (const lease of found.over) {
      log.warn({ lease: lease.metadata.name }, 'an API server is not heard of any more')
      const { uid = '', resourceVersion = '' } = lease.metadata
      // It may be back.
      await client.delete(leases, lease, { preconditions: { uid, resourceVersion } })
    }
    const wanted = wayToApi(found.alive)
    for (const object of wanted) await object.keep(client)
    const names = new Set(wanted.map((object) => object.key))
    for (const [sliceKey, slice] of sliceCopies.entries())
      if (wanted.length > 0 && isOurs(slice.metadata.labels) && !names.has(sliceKey))
        await client
          .delete(endpointSlices, slice, { preconditions: { uid: slice.metadata.uid ?? '' } })
          .catch((error: unknown) => {
            if (!isNotFound(error)) throw error
          })
    return { againInMs: found.nextMs }
  }

  const queue = createQueue(context, name, reconcile)
  return {
    name,
    run: (signal) => {
      leaseCopies.onChange((_key, current, previous) => {
        const lease = current ?? previous
        if (!lease || !isServerLease(lease)) return
        if (current) note(current)
        const isRenewal = current && previous && sightings.has(lease.metadata.name)
        if (!isRenewal || !deepEqual(current.metadata.annotations, previous.metadata.annotations)) queue.add(key)
      })
      sliceCopies.onChange((_key, current, previous) => {
        if (isOurs((current ?? previous)?.metadata.labels)) queue.add(key)
      })
      informers.of(endpoints).onChange((changed) => {
        if (changed === key) queue.add(key)
      })
      queue.add(key)
      return queue.run(signal)
    },
  }
}
