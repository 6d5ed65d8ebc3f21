/** What several rooms ask of a Node. Pure. */
import type { Node } from './types/index.ts'

/** The networks of its pods, one for each family; older objects name only the first. */
export const podCIDRsOf = (node: Pick<Node, 'spec'> | undefined): readonly string[] => {
  const { podCIDRs = [], podCIDR } = node?.spec ?? {}
  return podCIDRs.length > 0 ? podCIDRs : podCIDR ? [podCIDR] : []
}
