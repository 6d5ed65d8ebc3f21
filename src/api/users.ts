/** How the two sides of the API call those who use it: agents, the control plane, and whoever is about to join. */

/** Agents. A node's user is `system:node:NAME`. */
export const nodesGroup = 'system:nodes'
export const nodeUserPrefix = 'system:node:'

export const nodeUser = (nodeName: string): string => `${nodeUserPrefix}${nodeName}`

/** The control plane itself, towards agents and in its own controllers. */
export const controlUserName = 'podway:control'
