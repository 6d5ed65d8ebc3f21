/** Cordoned nodes. */
import { isTolerated } from '../../../api/taints.ts'
import type { Taint } from '../../../api/types/index.ts'
import type { Filter } from '../framework/filter.ts'
import type { Plugin } from '../framework/plugin.ts'

const taint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

const filter: Filter = {
  helpedBy: ['node'],
  prepare: (pod) =>
    isTolerated(pod, taint)
      ? undefined
      : {
          check: ({ node }) =>
            node.spec?.unschedulable ? { reasons: ['node(s) were unschedulable'], isFinal: true } : undefined,
        },
}

export const nodeUnschedulable: Plugin = { name: 'NodeUnschedulable', filter }
