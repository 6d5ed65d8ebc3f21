/** `/configz`: how the agent is set up, in the kubelet's terms (kubelet.config.k8s.io/v1beta1), as far as they are its own. */
import type { Page } from './routes.ts'

export interface AgentConfig {
  /** 0: none, the control plane comes over the connection that the agent dials. */
  readonly port: number
  readonly clusterDomain: string
  readonly clusterDNS: readonly string[]
  readonly maxPods: number
}

export const configPage =
  ({ port, ...rest }: AgentConfig): Page =>
  async () => ({
    ...{ status: 200, type: 'application/json' },
    body: JSON.stringify({ kubeletconfig: { enableServer: true, ...(port === 0 ? {} : { port }), ...rest } }),
  })
