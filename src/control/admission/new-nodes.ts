/** A new Node that does not say that it is ready takes no pods until it is: node health takes the taint off again. */
import type { Node } from '../../api/types/index.ts'
import type { Admission } from '../objects/admission.ts'
import { node as kind } from '../resources/core/node.ts'

const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' } as const

export const newNodes: Admission = {
  name: 'TaintNodesByCondition',
  admit: ({ definition, operation, object }) => {
    if (definition !== kind || operation !== 'create') return object
    const { spec = {}, status }: Partial<Node> = object
    if (status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) return object
    const taints = spec.taints ?? []
    return taints.some(({ key, effect }) => key === notReady.key && effect === notReady.effect)
      ? object
      : { ...object, spec: { ...spec, taints: [...taints, notReady] } }
  },
}
