/** What every controller is, and what it is given. */

import type { KeyPair } from '../../api/certificates.ts'
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import { createEventRecorder, type EventRecorder } from '../../api/event-recorder.ts'
import type { Logger } from '../../host/log.ts'
import type { IpFamily } from '../../ip/address.ts'
import type { ClusterNetworks } from '../admission/node-claims.ts'
import type { Registry } from '../registry/registry.ts'
import type { SecretTokens } from '../tokens/account-tokens.ts'
import type { AutoscalerSettings } from './autoscaler-settings.ts'
import type { Informers } from './informers.ts'
import type { LoadBalancerAddresses } from './load-balancer-addresses.ts'
import type { RemoteKinds } from './remote-kinds.ts'

export interface Controller {
  readonly name: string
  /** Works until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

/** What decides whom a certificate is approved for, fixed for a cluster. */
export interface ApprovalSettings {
  readonly networks: ClusterNetworks
  readonly clusterDomain: string
  /** Names in the API server's own certificate. */
  readonly controlNames: readonly string[]
}

/** How the cluster's certificates are given out. */
export interface CertificateSettings extends ApprovalSettings {
  readonly authority: KeyPair
  /** No certificate is good for longer. */
  readonly signingSeconds: number
}

export interface ControllerSettings {
  /** The addresses of all pods; each node gets a network of `nodePrefixLength` out of it. */
  /** One for each IP family, that of the nodes first. */
  readonly podCIDRs: readonly string[]
  readonly nodePrefixLengths: Readonly<Record<IpFamily, number>>
  /** A node that is silent for so long is not ready. */
  readonly nodeMonitorGraceSeconds: number
  /** Where Services of type LoadBalancer and Gateways get addresses; those of the nodes when missing. */
  readonly loadBalancerCIDR: string | undefined
  readonly certificates: CertificateSettings
  readonly autoscaler: AutoscalerSettings
  readonly secretTokens: SecretTokens
}

export interface ControllerContext {
  readonly client: Client
  readonly informers: Informers
  readonly registry: Registry
  /** Those of API servers behind this one. */
  readonly remote: Pick<RemoteKinds, 'unread' | 'look'>
  readonly clock: Clock
  readonly log: Logger
  readonly settings: ControllerSettings
  /** Undefined: there is no pool. */
  readonly loadBalancerAddresses: LoadBalancerAddresses | undefined
}

export type CreateController = (context: ControllerContext) => Controller

/** The Events of one component. */
export const recorderFor = ({ client, clock, log }: ControllerContext, component: string): EventRecorder =>
  createEventRecorder({ client, clock, log, component, host: '' })
