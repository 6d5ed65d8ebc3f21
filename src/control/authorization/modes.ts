/** What one who runs a control plane may choose. */
import type { NodeGraphOptions } from './node-graph.ts'
import type { WebhookSettings } from './webhook.ts'

/** As `--authorization-mode` names them. */
export const authorizationModes = ['Node', 'RBAC', 'ABAC', 'Webhook', 'AlwaysAllow', 'AlwaysDeny'] as const
export type AuthorizationMode = (typeof authorizationModes)[number]

export interface AuthorizationSettings extends NodeGraphOptions {
  readonly modes?: readonly AuthorizationMode[]
  /** For ABAC. */
  readonly policyFile?: string
  readonly webhook?: WebhookSettings
}

export const defaultModes: readonly AuthorizationMode[] = ['Node', 'RBAC']

/** Whether roles count, and every cluster has its own. */
export const hasRoles = ({ modes = defaultModes }: AuthorizationSettings): boolean => modes.includes('RBAC')
