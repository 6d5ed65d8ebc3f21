/** What a pod says of other pods it wants to be near, or far from. Pure. */
import { matchLabelSelector } from '../../../api/selectors.ts'
import type { LabelSelector, Node, Pod, StringMap } from '../../../api/types/index.ts'
import type { PodAffinity, PodAffinityTerm } from '../../../api/types/kubernetes/core-v1.ts'
import type { Snapshot } from '../framework/filter.ts'

/** A selector that also wants the values which the pod's own labels have under these keys. */
export const withLabelKeys = (
  selector: LabelSelector | undefined,
  labels: StringMap = {},
  keys: readonly string[] = [],
  unlike: readonly string[] = [],
): LabelSelector | undefined => {
  if (!selector) return undefined
  const requirements = (names: readonly string[], operator: 'In' | 'NotIn') =>
    names.flatMap((key) => {
      const value = Object.hasOwn(labels, key) ? labels[key] : undefined
      return value === undefined ? [] : [{ key, operator, values: [value] }]
    })
  const more = [...requirements(keys, 'In'), ...requirements(unlike, 'NotIn')]
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...more] }
}

export interface PodTerm {
  readonly topologyKey: string
  readonly weight: number
  matches(pod: Pod, namespaceLabels: Snapshot['namespaceLabels']): boolean
}

const podTerm = (term: PodAffinityTerm, owner: Pod, weight = 1): PodTerm => {
  const { namespaces = [], namespaceSelector, labelSelector, matchLabelKeys, mismatchLabelKeys } = term
  const ownOnly = namespaces.length === 0 && namespaceSelector === undefined
  const names = new Set(ownOnly ? [owner.metadata.namespace ?? ''] : namespaces)
  const inNamespace = matchLabelSelector(namespaceSelector)
  const matches = matchLabelSelector(
    withLabelKeys(labelSelector, owner.metadata.labels, matchLabelKeys, mismatchLabelKeys),
  )
  return {
    topologyKey: term.topologyKey,
    weight,
    matches: ({ metadata: { namespace = '', labels } }, namespaceLabels) =>
      matches(labels) && (names.has(namespace) || inNamespace(namespaceLabels(namespace) ?? {})),
  }
}

/** All that a pod says of others. */
export interface PodTerms {
  readonly near: readonly PodTerm[]
  readonly far: readonly PodTerm[]
  readonly preferNear: readonly PodTerm[]
  readonly preferFar: readonly PodTerm[]
}

const none: PodTerms = { near: [], far: [], preferNear: [], preferFar: [] }

const read = (pod: Pod): PodTerms => {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
  const required = (affinity: PodAffinity | undefined): readonly PodTerm[] =>
    (affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => podTerm(term, pod))
  const preferred = (affinity: PodAffinity | undefined): readonly PodTerm[] =>
    (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ weight, podAffinityTerm }) =>
      podTerm(podAffinityTerm, pod, weight),
    )
  return {
    ...{ near: required(podAffinity), far: required(podAntiAffinity) },
    ...{ preferNear: preferred(podAffinity), preferFar: preferred(podAntiAffinity) },
  }
}

/** Every pod that is scheduled asks all that are there: what they say is read once. */
const known = new WeakMap<Pod, PodTerms>()

export const termsOf = (pod: Pod): PodTerms => {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
  if (!podAffinity && !podAntiAffinity) return none
  const terms = known.get(pod) ?? read(pod)
  known.set(pod, terms)
  return terms
}

/** The part of the cluster that a node is in, in the eyes of a term; undefined when it is in none. */
export const domainOf = ({ metadata }: Node, topologyKey: string): string | undefined => {
  const value = metadata.labels?.[topologyKey]
  return value === undefined ? undefined : `${topologyKey}=${value}`
}

/** How much there is in each part of the cluster. */
export interface DomainCounts {
  add(node: Node, topologyKey: string, amount: number): void
  at(node: Node, topologyKey: string): number
  readonly size: number
}

export const createDomainCounts = (): DomainCounts => {
  const counts = new Map<string, number>()
  return {
    add: (node, topologyKey, amount) => {
      const domain = domainOf(node, topologyKey)
      if (domain === undefined || amount === 0) return
      const sum = (counts.get(domain) ?? 0) + amount
      if (sum === 0) counts.delete(domain)
      else counts.set(domain, sum)
    },
    at: (node, topologyKey) => counts.get(domainOf(node, topologyKey) ?? '') ?? 0,
    get size() {
      return counts.size
    },
  }
}
