/** On which nodes the pods of a DaemonSet are to be, and how the scheduler is told. Pure. */
import { matchesNodeAffinity } from '../../../api/node-affinity.ts'
import { tolerates } from '../../../api/taints.ts'
import type { Node, Pod, PodSpec, PodTemplateSpec, Taint, Toleration } from '../../../api/types/index.ts'
import type { DaemonSet } from '../../../api/types/kubernetes/apps-v1.ts'
import { notReadyTaint, unreachableTaint } from '../node-health.ts'
import { revisionLabel } from '../revisions/revision.ts'

const always = (key: string, effect: 'NoExecute' | 'NoSchedule'): Toleration => ({ key, operator: 'Exists', effect })

/** A daemon stays where others have to leave. */
const added = ({ hostNetwork }: PodSpec): readonly Toleration[] => [
  always(notReadyTaint, 'NoExecute'),
  always(unreachableTaint, 'NoExecute'),
  ...['disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable'].map((state) =>
    always(`node.kubernetes.io/${state}`, 'NoSchedule'),
  ),
  ...(hostNetwork ? [always('node.kubernetes.io/network-unavailable', 'NoSchedule')] : []),
]

/** One of the same key, value and effect is replaced. */
const withTolerations = (spec: PodSpec): readonly Toleration[] => {
  const more = added(spec)
  const own = (spec.tolerations ?? []).filter(
    ({ key, effect, value = '' }) => !more.some((each) => each.key === key && each.effect === effect && value === ''),
  )
  return [...own, ...more]
}

const generationAnnotation = 'deprecated.daemonset.template.generation'

/** The template of a DaemonSet's pods of a revision, wherever they go. */
export const daemonTemplate = ({ spec, metadata }: DaemonSet, hash: string): PodTemplateSpec => {
  const { template } = spec
  const generation = metadata.annotations?.[generationAnnotation]
  const labels = {
    ...template.metadata?.labels,
    ...(generation === undefined || !/^\d{1,18}$/.test(generation) ? {} : { 'pod-template-generation': generation }),
    [revisionLabel]: hash,
  }
  return {
    metadata: { ...template.metadata, labels },
    spec: { ...template.spec, tolerations: withTolerations(template.spec) },
  }
}

const nameField = 'metadata.name'

/** The template for one node: whatever nodes it asked for has been looked at already. */
export const onNode = ({ metadata, spec }: PodTemplateSpec, node: string): PodTemplateSpec => {
  const nodeSelectorTerms = [{ matchFields: [{ key: nameField, operator: 'In' as const, values: [node] }] }]
  const nodeAffinity = {
    ...spec.affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
  }
  return { ...(metadata ? { metadata } : {}), spec: { ...spec, affinity: { ...spec.affinity, nodeAffinity } } }
}

/** The node that a pod is on, or waits for; undefined for a pod that nobody made for a node. */
export const nodeOf = ({ spec }: Pod): string | undefined => {
  if (spec.nodeName) return spec.nodeName
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  for (const { matchFields = [] } of terms)
    for (const { key, operator, values = [] } of matchFields)
      if (key === nameField && operator === 'In' && values.length === 1) return values[0]
  return undefined
}

export interface Place {
  /** A pod belongs there. */
  readonly shouldRun: boolean
  /** One that is there may stay. */
  readonly mayStay: boolean
}

const nowhere: Place = { shouldRun: false, mayStay: false }

export const placeOn = (template: PodTemplateSpec, node: Node): Place => {
  const { spec } = template
  if (spec.nodeName && spec.nodeName !== node.metadata.name) return nowhere
  if (!matchesNodeAffinity(spec, node)) return nowhere
  const open = (effects: readonly Taint['effect'][]): boolean =>
    (node.spec?.taints ?? []).every(
      (taint) => !effects.includes(taint.effect) || spec.tolerations?.some((each) => tolerates(each, taint)),
    )
  return { shouldRun: open(['NoSchedule', 'NoExecute']), mayStay: open(['NoExecute']) }
}
