/** How long a pod stays on a node that is not ready or not reachable, when it says nothing about it itself. */
import type { Pod, Toleration } from '../../api/types/index.ts'
import type { Admission } from '../objects/admission.ts'

const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

const covers = (toleration: Toleration, key: string): boolean =>
  (toleration.key === key || (!toleration.key && toleration.operator === 'Exists')) &&
  (!toleration.effect || toleration.effect === 'NoExecute')

/** Gives pods the tolerations they lack, also those that are replaced by what leaves them out. */
export const defaultTolerationSeconds = (tolerationSeconds: number): Admission => ({
  name: 'DefaultTolerationSeconds',
  admit: ({ definition, object }) => {
    if (definition.kind !== 'Pod') return object
    const pod = object as Pod
    const tolerations = pod.spec.tolerations ?? []
    const missing = taints.filter((key) => !tolerations.some((toleration) => covers(toleration, key)))
    const added = missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds }) as const)
    const withAll: Pod = { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...added] } }
    return withAll
  },
})
