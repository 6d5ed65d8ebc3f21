/** Endpoints that somebody wrote for a Service without a selector, as slices. */
import { endpointSlices, endpoints, services } from '../../../api/resources.ts'
import { serviceNameLabel, toGroups } from '../../../api/slices.ts'
import type { Endpoints } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createExpectations } from '../../../controller/expectations.ts'
import { controllerReference } from '../../../controller/ownership.ts'
import { createQueue } from '../../../controller/queue.ts'
import type { CreateController } from '../controller.ts'
import { managedByLabel, writeSlices } from './slice-writer.ts'

const name = 'endpointslicemirroring-controller'
const managedBy = 'endpointslicemirroring-controller.k8s.io'
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror'
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'

const catchUpMs = 1_000

const isMirrored = ({ metadata }: Endpoints): boolean =>
  metadata.labels?.[skipLabel] !== 'true' && metadata.annotations?.[leaderAnnotation] === undefined

export const createMirroringController: CreateController = (context) => {
  const { client, informers, clock } = context
  const serviceCopies = informers.of(services)
  const endpointCopies = informers.of(endpoints)
  const slices = informers.of(endpointSlices)
  const expectations = createExpectations(slices, clock)

  const reconcile = async (key: string): Promise<Outcome> => {
    const own = slices.by('service', key).filter(({ metadata }) => metadata.labels?.[managedByLabel] === managedBy)
    const service = serviceCopies.get(key)
    const source = endpointCopies.get(key)
    const hasSelector = Object.keys(service?.spec.selector ?? {}).length > 0
    if (!service || hasSelector || !source || !isMirrored(source)) {
      expectations.forget(key)
      for (const slice of own) await client.delete(endpointSlices, slice)
      return 'done'
    }
    if (!expectations.areMet(key)) return { againInMs: catchUpMs }
    const { labels = {}, namespace = '' } = source.metadata
    const owner = {
      ...{ key, namespace, name: service.metadata.name },
      labels: { ...labels, [serviceNameLabel]: service.metadata.name, [managedByLabel]: managedBy },
      owner: controllerReference(source, endpoints),
      trigger: undefined,
    }
    await writeSlices(client, expectations, owner, own, toGroups(source))
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
