/** What an object takes of a quota, by the names under which quotas count it. Pure. */
import { type Amount, amountOf } from '../../api/quantity.ts'
import type { KubeObject, Pod, Service } from '../../api/types/index.ts'
import type { PersistentVolumeClaim } from '../../api/types/kubernetes/core-v1.ts'
import { type Amounts, podAmounts } from '../resources/core/pod-resources.ts'
import { needsNodePort } from '../resources/core/service.ts'
import { volumeClassAnnotation } from '../resources/core/volume-text.ts'
import { bucketOf, type ResourceDefinition } from '../resources/definition.ts'

const count = (number: number): Amount => amountOf(number)

/** What quotas know by one word, beside `count/…`. */
const counted = [
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]

const isOver = ({ metadata, status }: Pod, now: number): boolean => {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return true
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = metadata
  return (
    deletionTimestamp !== undefined && now > Date.parse(deletionTimestamp) + Number(deletionGracePeriodSeconds) * 1000
  )
}

/** Names that a request is counted under, and those of a limit. Kinds of memory pages and of devices have no bare names. */
const requestNames = (name: string): readonly string[] => {
  const isPlain = ['cpu', 'memory', 'ephemeral-storage'].includes(name)
  return isPlain || name.startsWith('hugepages-') ? [name, `requests.${name}`] : [`requests.${name}`]
}

const ofPod = (pod: Pod, now: number): readonly (readonly [string, Amount])[] => {
  if (isOver(pod, now)) return []
  return [
    ['pods', count(1)],
    ...[...podAmounts(pod.spec, 'requests')].flatMap(([name, amount]) =>
      requestNames(name).map((each) => [each, amount] as const),
    ),
    ...[...podAmounts(pod.spec, 'limits')].map(([name, amount]) => [`limits.${name}`, amount] as const),
  ]
}

const ofService = ({ spec }: Service): readonly (readonly [string, Amount])[] => [
  ['services.nodeports', count(needsNodePort(spec) ? (spec.ports ?? []).length : 0)],
  ['services.loadbalancers', count(spec.type === 'LoadBalancer' ? 1 : 0)],
]

const ofClaim = ({ metadata, spec }: PersistentVolumeClaim): readonly (readonly [string, Amount])[] => {
  const storage = amountOf(spec.resources.requests?.['storage'])
  const className = metadata.annotations?.[volumeClassAnnotation] ?? spec.storageClassName ?? ''
  const ofClass = `${className}.storageclass.storage.k8s.io`
  return [
    ['requests.storage', storage],
    ...(className === ''
      ? []
      : ([
          [`${ofClass}/requests.storage`, storage],
          [`${ofClass}/persistentvolumeclaims`, count(1)],
        ] as const)),
  ]
}

const own = (
  definition: ResourceDefinition,
  object: KubeObject,
  now: number,
): readonly (readonly [string, Amount])[] => {
  switch (bucketOf(definition)) {
    case 'pods':
      return ofPod(object as Pod, now)
    case 'services':
      return ofService(object as Service)
    case 'persistentvolumeclaims':
      return ofClaim(object as PersistentVolumeClaim)
    default:
      return []
  }
}

export const usageOf = (definition: ResourceDefinition, object: KubeObject, now: number): Amounts => {
  const bucket = bucketOf(definition)
  return new Map([
    [`count/${bucket}`, count(1)],
    ...(counted.includes(bucket) ? ([[bucket, count(1)]] as const) : []),
    ...own(definition, object, now),
  ])
}

/** Whether an update can change what an object takes. */
export const changesUsage = (definition: ResourceDefinition): boolean =>
  ['services', 'persistentvolumeclaims'].includes(bucketOf(definition))
