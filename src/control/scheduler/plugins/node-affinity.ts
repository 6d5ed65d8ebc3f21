/** Which nodes the pod asks for, and which it would like. */
import { matchesNodeAffinity, matchesNodeSelector } from '../../../api/node-affinity.ts'
import type { Filter } from '../framework/filter.ts'
import type { Plugin } from '../framework/plugin.ts'
import { type Score, stretched } from '../framework/score.ts'

const filter: Filter = {
  helpedBy: ['node'],
  prepare: ({ spec }) => ({
    check: ({ node }) =>
      matchesNodeAffinity(spec, node)
        ? undefined
        : { reasons: ["node(s) didn't match Pod's node affinity/selector"], isFinal: true },
  }),
}

const score: Score = {
  weight: 2,
  prepare: ({ spec }, fitting) => {
    const terms = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    if (terms.length === 0) return undefined
    return stretched(fitting, ({ node }) =>
      terms.reduce(
        (sum, { weight, preference }) =>
          matchesNodeSelector({ nodeSelectorTerms: [preference] }, node) ? sum + weight : sum,
        0,
      ),
    )
  },
}

export const nodeAffinity: Plugin = { name: 'NodeAffinity', filter, score }
