/** The parts of a node's network that can run beside somebody else's kubelet. */
export const parts = ['network', 'proxy', 'dns', 'ingress'] as const
export type Part = (typeof parts)[number]

/** All parts of an agent: with its pods the node is its own. */
export const partNames = [...parts, 'pods'] as const
export type PartName = (typeof partNames)[number]
