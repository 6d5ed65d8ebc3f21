/** Endpoints that somebody wrote for a Service without a selector, as slices. */
import { referenceTo } from '../../../api/event-recorder.ts'
import { endpointSlices, endpoints, objectKey, services } from '../../../api/resources.ts'
import { serviceNameLabel } from '../../../api/slices.ts'
import type { Endpoints } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createExpectations } from '../../../controller/expectations.ts'
import { controllerReference } from '../../../controller/ownership.ts'
import { createQueue } from '../../../controller/queue.ts'
import { counted } from '../../../host/counted.ts'
import { type CreateController, recorderFor } from '../controller.ts'
import { isMirrored, type Mirror, managedBy, maxAddresses, mirrorOf } from './mirrored.ts'
import { managedByLabel, writeSlices } from './slice-writer.ts'

const name = 'endpointslicemirroring-controller'

const catchUpMs = 1_000

export const createMirroringController: CreateController = (context) => {
  const { client, informers, clock } = context
  const serviceCopies = informers.of(services)
  const endpointCopies = informers.of(endpoints)
  const slices = informers.of(endpointSlices)
  const expectations = createExpectations(slices, clock)
  const events = recorderFor(context, name)
  /** Of which version of the Endpoints was told what is missing in the slices. */
  const told = new Map<string, string | undefined>()

  const tell = (source: Endpoints, { invalid, surplus }: Mirror): void => {
    const { resourceVersion } = source.metadata
    if (told.get(objectKey(source)) === resourceVersion) return
    told.set(objectKey(source), resourceVersion)
    const warn = (reason: string, message: string): void =>
      events.record(referenceTo(source), 'Warning', reason, message)
    if (invalid > 0)
      warn(
        'InvalidIPAddress',
        `Skipped ${counted(invalid, 'invalid IP address', 'invalid IP addresses')} when mirroring to EndpointSlices`,
      )
    if (surplus > 0)
      warn(
        'TooManyAddressesToMirror',
        `A max of ${counted(maxAddresses, 'address', 'addresses')} can be mirrored to EndpointSlices per Endpoints subset. ${counted(surplus, 'address was', 'addresses were')} skipped`,
      )
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const own = slices.by('service', key).filter(({ metadata }) => metadata.labels?.[managedByLabel] === managedBy)
    const service = serviceCopies.get(key)
    const source = endpointCopies.get(key)
    const hasSelector = Object.keys(service?.spec.selector ?? {}).length > 0
    if (!service || hasSelector || !source || !isMirrored(source)) {
      expectations.forget(key)
      if (!source) told.delete(key)
      for (const slice of own)
        await client.delete(endpointSlices, slice, { preconditions: { uid: slice.metadata.uid ?? '' } })
      return 'done'
    }
    if (!expectations.areMet(key)) return { againInMs: catchUpMs }
    const mirror = mirrorOf(source)
    tell(source, mirror)
    const owner = {
      ...{ key, namespace: source.metadata.namespace ?? '', name: service.metadata.name },
      ...{ labels: mirror.labels, annotations: mirror.annotations, trigger: undefined },
      owner: controllerReference(source, endpoints),
    }
    await writeSlices(client, expectations, owner, own, mirror.groups)
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)

  return {
    name,
    run: (signal) => {
      endpointCopies.onChange((key) => queue.add(key))
      serviceCopies.onChange((key) => queue.add(key))
      slices.onChange((_key, current, previous) => {
        const { labels, namespace } = (current ?? previous)?.metadata ?? {}
        if (labels?.[managedByLabel] === managedBy) queue.add(`${namespace}/${labels[serviceNameLabel]}`)
      })
      return queue.run(signal)
    },
  }
}
