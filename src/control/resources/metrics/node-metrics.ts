import type { NodeMetrics } from '../../../api/types/kubernetes/metrics-v1beta1.ts'
import { nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { observed, usageColumns } from './usage.ts'

/** What a node uses (`kubectl top nodes`). */
export const nodeMetrics = define<NodeMetrics>({
  ...observed,
  plural: 'nodes',
  singular: '',
  kind: 'NodeMetrics',
  namespaced: false,
  columns: [nameColumn, ...usageColumns<NodeMetrics>(({ usage }) => [usage])],
})
