import type { PodMetrics } from '../../../api/types/kubernetes/metrics-v1beta1.ts'
import { nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { observed, usageColumns } from './usage.ts'

/** What the containers of a pod use (`kubectl top pods`). */
export const podMetrics = define<PodMetrics>({
  ...observed,
  plural: 'pods',
  singular: '',
  kind: 'PodMetrics',
  namespaced: true,
  columns: [nameColumn, ...usageColumns<PodMetrics>(({ containers }) => containers.map(({ usage }) => usage))],
})
