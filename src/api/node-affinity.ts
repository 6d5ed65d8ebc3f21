/** Which nodes a pod, or a volume, says it can be on. Pure. */
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from './types/index.ts'

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
const matchesTerm = (
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  { metadata }: Pick<Node, 'metadata'>,
): boolean =>
  matchExpressions.length + matchFields.length > 0 &&
  matchExpressions.every((requirement) => holds(requirement, metadata.labels?.[requirement.key])) &&
  matchFields.every((requirement) =>
    holds(requirement, requirement.key === 'metadata.name' ? metadata.name : undefined),
  )

/** One of its terms is enough. */
export const matchesNodeSelector = (
  { nodeSelectorTerms }: { readonly nodeSelectorTerms: readonly NodeSelectorTerm[] },
  node: Pick<Node, 'metadata'>,
): boolean => nodeSelectorTerms.some((term) => matchesTerm(term, node))

/** By its node selector, and what its node affinity requires. */
export const matchesNodeAffinity = (
  { nodeSelector = {}, affinity }: PodSpec,
  node: Pick<Node, 'metadata'>,
): boolean => {
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return (
    Object.entries(nodeSelector).every(([key, value]) => node.metadata.labels?.[key] === value) &&
    (required === undefined || matchesNodeSelector(required, node))
  )
}
