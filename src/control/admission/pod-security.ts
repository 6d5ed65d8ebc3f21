/** Pods are held to the level of the Pod Security Standards that their namespace asks for. */
import { forbidden, invalid } from '../../api/errors.ts'
import { withEphemeralContainers } from '../../api/pods.ts'
import type { KubeObject, Namespace, Pod } from '../../api/types/index.ts'
import type { Admission, Review } from '../objects/admission.ts'
import { at, podSecurityView } from '../pod-security/pod-view.ts'
import {
  type LevelVersion,
  labelErrors,
  levels,
  type Policy,
  policyOf,
  policyText,
  prefix,
  violationsOf,
  violationText,
} from '../pod-security/policy.ts'
import { namespace as namespaces } from '../resources/core/namespace.ts'
import { pod as pods } from '../resources/core/pod.ts'
import { bucketOf } from '../resources/definition.ts'
import type { Store } from '../storage/store.ts'

/** Where the pods of other kinds are described. */
const templates: Readonly<Record<string, readonly string[]>> = {
  'cronjobs.batch': ['spec', 'jobTemplate', 'spec', 'template'],
  podtemplates: ['template'],
  ...Object.fromEntries(
    [
      'replicationcontrollers',
      'jobs.batch',
      ...['daemonsets', 'deployments', 'replicasets', 'statefulsets'].map((name) => `${name}.apps`),
    ].map((bucket) => [bucket, ['spec', 'template']]),
  ),
}

/** So many pods are looked at when a namespace becomes stricter. */
const mostPods = 3000

const imagesOf = (pod: Pod): string =>
  JSON.stringify(withEphemeralContainers(pod).map(({ name, image }) => [name, image]))

const strictness = ({ level }: LevelVersion): number => levels.indexOf(level)

export const podSecurity = (store: Store): Admission => {
  const policyFor = (name: string): Policy => {
    const found = store.get({ bucket: bucketOf(namespaces), name })?.object as Namespace | undefined
    return policyOf(found?.metadata.labels)
  }

  const wouldViolate = (pod: ReturnType<typeof podSecurityView>, level: LevelVersion): string | undefined => {
    const violations = violationsOf(pod, level)
    if (violations.length === 0) return undefined
    return `would violate PodSecurity "${policyText(level)}": ${violationText(violations)}`
  }

  const audit = ({ asked }: Review, policy: Policy, pod: ReturnType<typeof podSecurityView>): void => {
    const text = wouldViolate(pod, policy.audit)
    if (text !== undefined) asked?.annotate(`${prefix}audit-violations`, text)
  }
  const warn = ({ asked }: Review, policy: Policy, pod: ReturnType<typeof podSecurityView>): void => {
    const text = wouldViolate(pod, policy.warn)
    if (text !== undefined) asked?.warn(text)
  }

  const admitPod = (review: Review): void => {
    const pod = review.object as Pod
    if (review.old && imagesOf(pod) === imagesOf(review.old as Pod)) return
    const policy = policyFor(pod.metadata.namespace ?? '')
    const view = podSecurityView(pod.metadata, pod.spec)
    const violations = violationsOf(view, policy.enforce)
    review.asked?.annotate(`${prefix}enforce-policy`, policyText(policy.enforce))
    audit(review, policy, view)
    if (violations.length > 0)
      throw forbidden(
        pods,
        pod.metadata.name,
        `violates PodSecurity "${policyText(policy.enforce)}": ${violationText(violations)}`,
      )
    warn(review, policy, view)
  }

  const admitTemplate = (review: Review, path: readonly string[]): void => {
    const template = at(review.object, ...path)
    const policy = policyFor(review.object.metadata.namespace ?? '')
    const view = podSecurityView(at(template, 'metadata'), at(template, 'spec'))
    audit(review, policy, view)
    warn(review, policy, view)
  }

  /** `web (and 2 other pods): privileged` for each way in which pods are against it. */
  const existing = (namespace: string, level: LevelVersion): readonly string[] => {
    const found = store
      .list(bucketOf(pods))
      .entries.filter(({ object }) => object.metadata.namespace === namespace)
      .slice(0, mostPods)
      .map(({ object }) => object as Pod)
    const reasons = Map.groupBy(
      found.flatMap(({ metadata, spec }) => {
        const violations = violationsOf(podSecurityView(metadata, spec), level)
        const reason = violations.map((each) => each.reason).join(', ')
        return reason === '' ? [] : [{ name: metadata.name, reason }]
      }),
      ({ reason }) => reason,
    )
    return [...reasons]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([reason, [first, ...others]]) => {
        const more = others.length === 0 ? '' : ` (and ${others.length} other ${others.length === 1 ? 'pod' : 'pods'})`
        return `${first?.name}${more}: ${reason}`
      })
  }

  const admitNamespace = ({ object, old, asked }: Review): void => {
    const { name, labels } = object.metadata
    const before = new Set(labelErrors(old?.metadata.labels).map(({ message, field }) => `${field} ${message}`))
    const errors = labelErrors(labels).filter(({ message, field }) => !before.has(`${field} ${message}`))
    if (errors.length > 0) throw invalid(namespaces, name, errors)
    const [now, earlier] = [policyOf(labels).enforce, policyOf(old?.metadata.labels).enforce]
    if (!old || policyText(now) === policyText(earlier) || strictness(now) < strictness(earlier)) return
    const against = existing(name, now)
    if (against.length === 0) return
    asked?.warn(`existing pods in namespace "${name}" violate the new PodSecurity enforce level "${policyText(now)}"`)
    for (const text of against) asked?.warn(text)
  }

  const admit = (review: Review): KubeObject => {
    const { definition, object } = review
    const path = Object.hasOwn(templates, bucketOf(definition)) ? templates[bucketOf(definition)] : undefined
    if (definition === pods) admitPod(review)
    else if (definition === namespaces) admitNamespace(review)
    else if (path) admitTemplate(review, path)
    return object
  }

  return { name: 'PodSecurity', admit }
}
