/** Whether a node is one of those that a pod asks for by name and label. Pure. */
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '../../api/types/index.ts'

const holds = ({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean => {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0])
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0])
  }
}

/** An empty term matches nothing. */
const matchesTerm = ({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, { metadata }: Node): boolean =>
  matchExpressions.length + matchFields.length > 0 &&
  matchExpressions.every((requirement) => holds(requirement, metadata.labels?.[requirement.key])) &&
  matchFields.every((requirement) =>
    holds(requirement, requirement.key === 'metadata.name' ? metadata.name : undefined),
  )

/** Its nodeSelector, and one of the terms that its affinity requires. */
export const matchesNodeAffinity = ({ nodeSelector = {}, affinity }: PodSpec, node: Node): boolean => {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  return (
    Object.entries(nodeSelector).every(([key, value]) => node.metadata.labels?.[key] === value) &&
    (terms === undefined || terms.some((term) => matchesTerm(term, node)))
  )
}
