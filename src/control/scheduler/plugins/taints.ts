/** Taints that the pod does not tolerate. */
import { isTolerated, tolerates } from '../../../api/taints.ts'
import type { Filter } from '../framework/filter.ts'
import type { Plugin } from '../framework/plugin.ts'
import { fewest, type Score } from '../framework/score.ts'

const filter: Filter = {
  helpedBy: ['node'],
  prepare: (pod) => ({
    check: ({ node }) => {
      const taint = node.spec?.taints?.find((each) => each.effect !== 'PreferNoSchedule' && !isTolerated(pod, each))
      if (!taint) return undefined
      return { reasons: [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`], isFinal: true }
    },
  }),
}

/** As few as possible that say "rather not". */
const score: Score = {
  weight: 3,
  prepare: ({ spec: { tolerations = [] } }, fitting) =>
    fewest(
      fitting,
      ({ node }) =>
        (node.spec?.taints ?? []).filter(
          (taint) => taint.effect === 'PreferNoSchedule' && !tolerations.some((each) => tolerates(each, taint)),
        ).length,
    ),
}

export const taintToleration: Plugin = { name: 'TaintToleration', filter, score }
