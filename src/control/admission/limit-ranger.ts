/** What the LimitRanges of a namespace give to containers that say nothing, and hold pods and claims to. */
import { forbidden } from '../../api/errors.ts'
import { allContainers } from '../../api/pods.ts'
import { amountOf } from '../../api/quantity.ts'
import type { Container, Pod } from '../../api/types/index.ts'
import type { LimitRange, LimitRangeItem, PersistentVolumeClaim } from '../../api/types/kubernetes/core-v1.ts'
import type { Admission } from '../objects/admission.ts'
import { limitRange as limitRanges } from '../resources/core/limit-range.ts'
import { persistentVolumeClaim as claims } from '../resources/core/persistent-volume-claim.ts'
import { pod as pods } from '../resources/core/pod.ts'
import { qosClass } from '../resources/core/pod-defaults.ts'
import { type Amounts, amountsOf, podAmounts } from '../resources/core/pod-resources.ts'
import { bucketOf } from '../resources/definition.ts'
import type { Store } from '../storage/store.ts'
import { brokenLimits } from './limits.ts'

const annotation = 'kubernetes.io/limit-ranger'

type Quantities = Readonly<Record<string, string>>

const missingOf = (given: Readonly<Record<string, unknown>> | undefined, wanted: Quantities): Quantities =>
  Object.fromEntries(Object.entries(wanted).filter(([name]) => given?.[name] === undefined))

const said = (missing: Quantities, what: string): readonly string[] => {
  const names = Object.keys(missing).sort()
  return names.length === 0 ? [] : [`${names.join(', ')} ${what}`]
}

const withDefaults = (container: Container, kind: string, { limits, requests }: Defaults) => {
  const { resources = {}, name } = container
  const [missingLimits, missingRequests] = [
    missingOf(resources.limits, limits),
    missingOf(resources.requests, requests),
  ]
  const notes = [
    ...said(missingRequests, `request for ${kind} ${name}`),
    ...said(missingLimits, `limit for ${kind} ${name}`),
  ]
  if (notes.length === 0) return { container, notes }
  const filled = {
    ...resources,
    ...mergedInto('limits', resources.limits, missingLimits),
    ...mergedInto('requests', resources.requests, missingRequests),
  }
  return { container: { ...container, resources: filled }, notes }
}

const mergedInto = (side: 'limits' | 'requests', given: object | undefined, missing: Quantities) =>
  Object.keys(missing).length === 0 ? {} : { [side]: { ...given, ...missing } }

interface Defaults {
  readonly limits: Quantities
  readonly requests: Quantities
}

const defaultsOf = ({ spec }: LimitRange): Defaults => {
  const ofContainers = spec.limits.filter(({ type }) => type === 'Container')
  return {
    limits: Object.assign({}, ...ofContainers.map((item) => item.default ?? {})),
    requests: Object.assign({}, ...ofContainers.map((item) => item.defaultRequest ?? {})),
  }
}

/** The pod as one LimitRange completes it. */
const completed = (pod: Pod, range: LimitRange): Pod => {
  const defaults = defaultsOf(range)
  const containers = pod.spec.containers.map((each) => withDefaults(each, 'container', defaults))
  const inits = (pod.spec.initContainers ?? []).map((each) => withDefaults(each, 'init container', defaults))
  const notes = [...containers, ...inits].flatMap((each) => each.notes)
  if (notes.length === 0) return pod
  const spec = {
    ...pod.spec,
    containers: containers.map(({ container }) => container),
    ...(pod.spec.initContainers ? { initContainers: inits.map(({ container }) => container) } : {}),
  }
  const annotations = { ...pod.metadata.annotations, [annotation]: `LimitRanger plugin set: ${notes.join('; ')}` }
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec,
    status: { ...pod.status, qosClass: qosClass(allContainers({ ...pod, spec })) },
  }
}

const none: Amounts = new Map()

const wrongPod = (pod: Pod, item: LimitRangeItem): readonly string[] => {
  if (item.type === 'Pod')
    return brokenLimits(item, { requests: podAmounts(pod.spec, 'requests'), limits: podAmounts(pod.spec, 'limits') })
  if (item.type !== 'Container') return []
  return allContainers(pod).flatMap(({ resources }) =>
    brokenLimits(item, { requests: amountsOf(resources?.requests), limits: amountsOf(resources?.limits) }),
  )
}

const wrongClaim = ({ spec }: PersistentVolumeClaim, item: LimitRangeItem): readonly string[] =>
  item.type === 'PersistentVolumeClaim'
    ? brokenLimits(
        { ...item, maxLimitRequestRatio: {} },
        { requests: new Map([['storage', amountOf(spec.resources.requests?.['storage'])]]), limits: none },
        'request',
      )
    : []

export const limitRanger = (store: Store): Admission => {
  const rangesOf = (namespace: string): readonly LimitRange[] =>
    store
      .list(bucketOf(limitRanges))
      .entries.map(({ object }) => object as LimitRange)
      .filter(({ metadata }) => metadata.namespace === namespace && metadata.deletionTimestamp === undefined)

  return {
    name: 'LimitRanger',
    admit: ({ operation, definition, object, asked }) => {
      // A status is what is, not what is asked for.
      if (asked && asked.subresource !== '') return object
      const isPod = definition === pods && operation === 'create'
      if (!isPod && !(definition === claims && object.metadata.deletionTimestamp === undefined)) return object
      const ranges = rangesOf(object.metadata.namespace ?? '')
      if (ranges.length === 0) return object
      const whole = isPod ? ranges.reduce(completed, object as Pod) : object
      const items = ranges.flatMap(({ spec }) => spec.limits)
      const wrong = items.flatMap((item) =>
        isPod ? wrongPod(whole as Pod, item) : wrongClaim(whole as PersistentVolumeClaim, item),
      )
      const told = [...new Set(wrong)]
      if (told.length > 0)
        throw forbidden(definition, object.metadata.name, told.length === 1 ? (told[0] ?? '') : `[${told.join(', ')}]`)
      return whole
    },
  }
}
