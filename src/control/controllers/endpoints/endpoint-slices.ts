/** EndpointSlices and Endpoints of the Services that select pods. */
import { formatTime } from '../../../api/clock.ts'
import { deepEqual } from '../../../api/deep-equal.ts'
import { isAlreadyExists, isNotFound } from '../../../api/errors.ts'
import { conditionOf } from '../../../api/pods.ts'
import { endpointSlices, endpoints, nodes, objectKey, pods, services, splitKey } from '../../../api/resources.ts'
import { matchMap } from '../../../api/selectors.ts'
import { serviceNameLabel } from '../../../api/slices.ts'
import type { Pod, Service } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createExpectations } from '../../../controller/expectations.ts'
import { controllerReference } from '../../../controller/ownership.ts'
import { createQueue } from '../../../controller/queue.ts'
import type { CreateController } from '../controller.ts'
import { labelIndex } from '../informers.ts'
import { overCapacityAnnotation, toSubsets } from './endpoints-object.ts'
import { isLeaderLock } from './mirrored.ts'
import { type EndpointGroup, groupEndpoints, isHeadless, zoneLabel } from './service-endpoints.ts'
import { managedByLabel, triggerAnnotation, writeSlices } from './slice-writer.ts'

const name = 'endpointslice-controller'
const managedBy = 'endpointslice-controller.k8s.io'
export const headlessLabel = 'service.kubernetes.io/headless'

const catchUpMs = 1_000

const hasSelector = ({ spec }: Service): boolean => Object.keys(spec.selector ?? {}).length > 0

/** When the newest change happened that the endpoints show: a pod became (un)ready, or the Service changed. */
const triggerTime = (service: Service, selected: readonly Pod[]): string | undefined =>
  [
    service.metadata.creationTimestamp,
    ...selected.map((pod) => conditionOf(pod, 'Ready')?.lastTransitionTime ?? pod.metadata.creationTimestamp),
  ].reduce((latest, time) => (time !== undefined && (latest === undefined || time > latest) ? time : latest), undefined)

/** What matters of a pod here; most changes of pods do not. */
const relevant = ({ metadata, spec, status }: Pod): unknown => [
  ...[metadata.labels, metadata.deletionTimestamp !== undefined, spec.nodeName],
  ...[status?.podIP, status?.podIPs, status?.phase],
  status?.conditions?.find(({ type }) => type === 'Ready')?.status,
]

export const createEndpointSliceController: CreateController = (context) => {
  const { client, informers, clock } = context
  const serviceCopies = informers.of(services)
  const podCopies = informers.of(pods)
  const nodeCopies = informers.of(nodes)
  const slices = informers.of(endpointSlices)
  const endpointCopies = informers.of(endpoints)
  const expectations = createExpectations(slices, clock)

  const selectedPods = (service: Service): readonly Pod[] => {
    const { selector = {} } = service.spec
    const [first] = Object.entries(selector)
    // Those with one of the labels are looked at, and not all of the namespace.
    const candidates = first ? podCopies.by('label', labelIndex(service.metadata.namespace, ...first)) : []
    const matches = matchMap(selector)
    return candidates.filter(({ metadata }) => matches(metadata.labels))
  }

  const syncSlices = (key: string, service: Service, selected: readonly Pod[], groups: readonly EndpointGroup[]) =>
    writeSlices(
      client,
      expectations,
      {
        ...{ key, namespace: service.metadata.namespace ?? '', name: service.metadata.name },
        labels: {
          ...service.metadata.labels,
          ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
          [serviceNameLabel]: service.metadata.name,
          [managedByLabel]: managedBy,
        },
        owner: controllerReference(service, services),
        trigger: triggerTime(service, selected),
      },
      slices.by('service', key).filter(({ metadata }) => metadata.labels?.[managedByLabel] === managedBy),
      groups,
    )

  const syncEndpoints = async (key: string, service: Service, groups: readonly EndpointGroup[]): Promise<void> => {
    const found = endpointCopies.get(key)
    const { subsets, isTruncated } = toSubsets(groups)
    const labels = { ...service.metadata.labels, ...(isHeadless(service) ? { [headlessLabel]: '' } : {}) }
    const isSame = deepEqual(found?.subsets ?? [], subsets) && deepEqual(found?.metadata.labels ?? {}, labels)
    if (found && isSame) return
    const annotations = {
      [triggerAnnotation]: formatTime(clock.now()),
      ...(isTruncated ? { [overCapacityAnnotation]: 'truncated' } : {}),
    }
    const { name: serviceName, namespace = '' } = service.metadata
    const metadata = { name: serviceName, namespace, labels, annotations }
    if (found) {
      const { resourceVersion = '' } = found.metadata
      await client.update(endpoints, { metadata: { ...metadata, resourceVersion }, subsets })
      return
    }
    try {
      await client.create(endpoints, { metadata, subsets })
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      queue.addAfter(key, catchUpMs)
    }
  }

  const isThere = async (key: string): Promise<boolean> => {
    const { namespace, name: serviceName } = splitKey(key)
    try {
      await client.get(services, serviceName, namespace)
      return true
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }

  /** The Service is gone: its slices go by their owner, Endpoints have none. */
  const cleanUp = async (key: string): Promise<void> => {
    expectations.forget(key)
    const found = endpointCopies.get(key)
    // The copy of Services may be behind that of Endpoints, which may be somebody's own.
    if (!found || (await isThere(key))) return
    try {
      await client.delete(endpoints, found, { preconditions: { uid: found.metadata.uid ?? '' } })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const service = serviceCopies.get(key)
    if (!service) {
      await cleanUp(key)
      return 'done'
    }
    if (!hasSelector(service) || service.spec.type === 'ExternalName') return 'done'
    const selected = selectedPods(service)
    const groups = groupEndpoints(service, selected, (node) => nodeCopies.get(node))
    const mayWrite = expectations.areMet(key)
    if (mayWrite) await syncSlices(key, service, selected, groups)
    await syncEndpoints(key, service, groups)
    return mayWrite ? 'done' : { againInMs: catchUpMs }
  }

  const queue = createQueue(context, name, reconcile)

  const podChanged = ({ metadata: { namespace, labels } }: Pod): void => {
    for (const [label, value] of Object.entries(labels ?? {}))
      for (const service of serviceCopies.by('selects', labelIndex(namespace, label, value)))
        if (matchMap(service.spec.selector)(labels)) queue.add(objectKey(service))
  }

  return {
    name,
    run: (signal) => {
      serviceCopies.onChange((key) => queue.add(key))
      podCopies.onChange((_key, current, previous) => {
        if (current && previous && deepEqual(relevant(current), relevant(previous))) return
        if (previous) podChanged(previous)
        if (current) podChanged(current)
      })
      nodeCopies.onChange((key, current, previous) => {
        if (current?.metadata.labels?.[zoneLabel] === previous?.metadata.labels?.[zoneLabel]) return
        for (const pod of podCopies.by('node', key)) podChanged(pod)
      })
      slices.onChange((_key, current, previous) => {
        const { labels, namespace } = (current ?? previous)?.metadata ?? {}
        if (labels?.[managedByLabel] === managedBy) queue.add(`${namespace}/${labels[serviceNameLabel]}`)
      })
      endpointCopies.onChange((key) => {
        if (serviceCopies.get(key)) queue.add(key)
      })
      // Whose Service went while nobody looked; Endpoints by which leaders are elected have none.
      for (const [key, object] of endpointCopies.entries())
        if (!serviceCopies.get(key) && !isLeaderLock(object)) queue.add(key)
      return queue.run(signal)
    },
  }
}
