/** All controllers and the scheduler over one set of local copies. */
import type { Client } from '../api/client.ts'
import { aborted, type Clock, sleep } from '../api/clock.ts'
import { gatewayClasses, gateways, services } from '../api/resources.ts'
import type { Logger } from '../host/log.ts'
import { createDefaultAccountController, createRootCaPublisher } from './controllers/accounts/namespace-objects.ts'
import { createTokenSecretController } from './controllers/accounts/token-secrets.ts'
import { createCsrApprover } from './controllers/certificates/approver.ts'
import { createCsrCleaner, createTokenCleaner } from './controllers/certificates/cleaner.ts'
import { createCsrSigner } from './controllers/certificates/signer.ts'
import { createClusterRoleAggregation } from './controllers/cluster-role-aggregation.ts'
import type { ControllerContext, ControllerSettings, CreateController } from './controllers/controller.ts'
import { createCustomKindController } from './controllers/custom-kinds/custom-kinds.ts'
import { createDeploymentController } from './controllers/deployment/deployment.ts'
import { createEndpointSliceController } from './controllers/endpoints/endpoint-slices.ts'
import { createMirroringController } from './controllers/endpoints/mirroring.ts'
import { createEventTtlController } from './controllers/event-ttl.ts'
import { createGarbageCollector } from './controllers/garbage/collector.ts'
import { createGatewayStatusController } from './controllers/gateway-status.ts'
import { createInformers, type Informers, scopedInformers } from './controllers/informers.ts'
import { createIngressProblemController } from './controllers/ingress-problems.ts'
import { createIngressStatusController } from './controllers/ingress-status.ts'
import { createLoadBalancerController } from './controllers/load-balancer.ts'
import { adoptAddresses, createLoadBalancerAddresses } from './controllers/load-balancer-addresses.ts'
import { createNamespaceController } from './controllers/namespace-deletion.ts'
import { createNodeCidrController } from './controllers/node/cidrs.ts'
import { createNodeLifecycleController } from './controllers/node/lifecycle.ts'
import { createPodGcController } from './controllers/node/pod-gc.ts'
import { createReplicaSetController } from './controllers/replicaset/replicaset.ts'
import { createResourceQuotaController } from './controllers/resource-quota.ts'
import { createServiceAddressController } from './controllers/service-addresses.ts'
import type { Registry } from './registry/registry.ts'
import { createScheduler } from './scheduler/scheduler.ts'

/** Every controller there is. */
const controllers: readonly CreateController[] = [
  createDefaultAccountController,
  createRootCaPublisher,
  createTokenSecretController,
  createCsrApprover,
  createCsrSigner,
  createCsrCleaner,
  createTokenCleaner,
  createNodeCidrController,
  createNodeLifecycleController,
  createScheduler,
  createReplicaSetController,
  createDeploymentController,
  createEndpointSliceController,
  createMirroringController,
  createCustomKindController,
  createGarbageCollector,
  createNamespaceController,
  createPodGcController,
  createIngressStatusController,
  createIngressProblemController,
  createGatewayStatusController,
  createLoadBalancerController,
  createServiceAddressController,
  createEventTtlController,
  createResourceQuotaController,
  createClusterRoleAggregation,
]

const restartMs = 1_000

export interface RunControllersOptions {
  readonly client: Client
  readonly registry: Registry
  readonly clock: Clock
  readonly log: Logger
  readonly settings: ControllerSettings
  /** Beside those that every cluster has. */
  readonly more?: readonly CreateController[]
}

const addressesOf = ({ loadBalancerCIDR }: ControllerSettings, informers: Informers) => {
  if (loadBalancerCIDR === undefined) return undefined
  const addresses = createLoadBalancerAddresses(loadBalancerCIDR)
  adoptAddresses(addresses, {
    services: informers.of(services),
    classes: informers.of(gatewayClasses),
    gateways: informers.of(gateways),
  })
  return addresses
}

/** Runs until `signal` aborts. A controller that fails is told of, and started anew; the others go on. */
export const runControllers = async (options: RunControllersOptions, signal: AbortSignal): Promise<void> => {
  const { client, registry, clock, log, more = [] } = options
  const informers = createInformers({ client, registry, clock, log })
  const watching = informers.run(signal)

  /** Each life of a controller begins from nothing, and nobody calls its handlers after it. */
  const keepRunning = async (create: CreateController, context: ControllerContext): Promise<void> => {
    while (!signal.aborted) {
      const life = new AbortController()
      const controller = create({ ...context, informers: scopedInformers(informers, life.signal) })
      try {
        await controller.run(AbortSignal.any([signal, life.signal]))
        life.abort()
      } catch (error) {
        life.abort()
        log.error({ controller: controller.name, err: error }, 'a controller failed; starting it again')
        await sleep(restartMs, signal, clock)
      }
    }
  }

  await Promise.race([informers.synced, aborted(signal)])
  if (!signal.aborted) {
    log.info('all controllers start')
    const context = { ...options, informers, loadBalancerAddresses: addressesOf(options.settings, informers) }
    await Promise.all([...controllers, ...more].map((create) => keepRunning(create, context)))
  }
  await watching
}
