/** Pods that the pod has to be near, or must not be near, and those that do not want it near themselves. */
import type { Pod } from '../../../api/types/index.ts'
import type { Filter, Objection, PodFilter, Snapshot } from '../framework/filter.ts'
import type { NodeState } from '../framework/node-state.ts'
import type { Plugin } from '../framework/plugin.ts'
import { type Score, stretched } from '../framework/score.ts'
import { createDomainCounts, domainOf, type PodTerm, termsOf } from './pod-terms.ts'

const objection = (reason: string, isFinal = false): Objection => ({ reasons: [`node(s) didn't ${reason}`], isFinal })

const tooFar = objection('match pod affinity rules', true)
const tooNear = objection('match pod anti-affinity rules')
const unwanted = objection('satisfy existing pods anti-affinity rules')

/** The pods that a pod's own terms are about; few when it has none. */
const relevantPods = (state: NodeState, hasTerms: boolean): Iterable<Pod> =>
  hasTerms ? state.pods.values() : state.withAffinity

const prepare = (pod: Pod, { nodes, namespaceLabels }: Snapshot): PodFilter => {
  const { near, far } = termsOf(pod)
  const nearby = createDomainCounts()
  const repelling = far.map((term) => ({ term, counts: createDomainCounts() }))
  const repelled = createDomainCounts()
  const repelledKeys = new Set<string>()

  const suppose = (other: Pod, { node }: NodeState, change: 1 | -1): void => {
    if (near.length > 0 && near.every((term) => term.matches(other, namespaceLabels)))
      for (const { topologyKey } of near) nearby.add(node, topologyKey, change)
    for (const { term, counts } of repelling)
      if (term.matches(other, namespaceLabels)) counts.add(node, term.topologyKey, change)
    for (const term of termsOf(other).far)
      if (term.matches(pod, namespaceLabels)) {
        repelled.add(node, term.topologyKey, change)
        repelledKeys.add(term.topologyKey)
      }
  }

  for (const state of nodes)
    for (const other of relevantPods(state, near.length + far.length > 0)) suppose(other, state, 1)

  /** The first of pods that want to be together is near itself. */
  const isFirst = near.every((term) => term.matches(pod, namespaceLabels))
  const isNear = ({ node }: NodeState): boolean =>
    near.every(({ topologyKey }) => nearby.at(node, topologyKey) > 0) ||
    (nearby.size === 0 && isFirst && near.every(({ topologyKey }) => domainOf(node, topologyKey) !== undefined))

  return {
    suppose,
    check: (state) => {
      if (!isNear(state)) return tooFar
      if (repelling.some(({ term, counts }) => counts.at(state.node, term.topologyKey) > 0)) return tooNear
      for (const key of repelledKeys) if (repelled.at(state.node, key) > 0) return unwanted
      return undefined
    },
  }
}

const filter: Filter = { helpedBy: ['node', 'pod added', 'pod gone', 'namespace'], prepare }

/** Preferences of both sides; who has to be near the pod would like it near, too. */
const score: Score = {
  weight: 2,
  prepare: (pod, fitting, { nodes, namespaceLabels }) => {
    const { preferNear, preferFar } = termsOf(pod)
    const counts = createDomainCounts()
    const keys = new Set<string>()
    const count = (terms: readonly PodTerm[], about: Pod, { node }: NodeState, sign: 1 | -1): void => {
      for (const term of terms)
        if (term.matches(about, namespaceLabels)) {
          counts.add(node, term.topologyKey, sign * term.weight)
          keys.add(term.topologyKey)
        }
    }
    for (const state of nodes)
      for (const other of relevantPods(state, preferNear.length + preferFar.length > 0)) {
        const theirs = termsOf(other)
        count(preferNear, other, state, 1)
        count(preferFar, other, state, -1)
        count([...theirs.near, ...theirs.preferNear], pod, state, 1)
        count(theirs.preferFar, pod, state, -1)
      }
    if (keys.size === 0) return undefined
    return stretched(fitting, ({ node }) => [...keys].reduce((sum, key) => sum + counts.at(node, key), 0))
  },
}

export const podAffinity: Plugin = { name: 'InterPodAffinity', filter, score }
