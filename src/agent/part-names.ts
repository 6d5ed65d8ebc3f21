/** The parts of a node's network that can run beside somebody else's kubelet. */
export const parts = ['network', 'proxy', 'dns', 'ingress'] as const
export type Part = (typeof parts)[number]
