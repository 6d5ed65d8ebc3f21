/** All controllers and the scheduler over one set of local copies. */
import type { Client } from '../api/client.ts'
import { aborted, type Clock, sleep } from '../api/clock.ts'
import { gatewayClasses, gateways, services } from '../api/resources.ts'
import type { Logger } from '../host/log.ts'
import type { Loops } from './components/loops.ts'
import { createDefaultAccountController, createRootCaPublisher } from './controllers/accounts/namespace-objects.ts'
import { createTokenSecretController } from './controllers/accounts/token-secrets.ts'
import { createAutoscalerController } from './controllers/autoscaler/autoscaler.ts'
import { createCsrApprover } from './controllers/certificates/approver.ts'
import { createCsrCleaner, createTokenCleaner } from './controllers/certificates/cleaner.ts'
import { createCsrSigner } from './controllers/certificates/signer.ts'
import { createClusterRoleAggregation } from './controllers/cluster-role-aggregation.ts'
import type { ControllerContext, ControllerSettings, CreateController } from './controllers/controller.ts'
import { createCronJobController } from './controllers/cronjob/cronjob.ts'
import { createCustomKindController } from './controllers/custom-kinds/custom-kinds.ts'
import { createDaemonSetController } from './controllers/daemonset/daemonset.ts'
import { createDeploymentController } from './controllers/deployment/deployment.ts'
import { createDisruptionController } from './controllers/disruption/disruption.ts'
import { createEndpointSliceController } from './controllers/endpoints/endpoint-slices.ts'
import { createMirroringController } from './controllers/endpoints/mirroring.ts'
import { createEventTtlController } from './controllers/event-ttl.ts'
import { createGarbageCollector } from './controllers/garbage/collector.ts'
import { createGatewayStatusController } from './controllers/gateway-status.ts'
import { createInformers, type Informers, scopedInformers } from './controllers/informers.ts'
import { createIngressProblemController } from './controllers/ingress-problems.ts'
import { createIngressStatusController } from './controllers/ingress-status.ts'
import { createJobController } from './controllers/job/job.ts'
import { createTtlAfterFinishedController } from './controllers/job/ttl-after-finished.ts'
import { createLoadBalancerController } from './controllers/load-balancer.ts'
import { adoptAddresses, createLoadBalancerAddresses } from './controllers/load-balancer-addresses.ts'
import type { ComponentName } from './controllers/names.ts'
import { createNamespaceController } from './controllers/namespace-deletion.ts'
import { createNodeCidrController } from './controllers/node/cidrs.ts'
import { createNodeLifecycleController } from './controllers/node/lifecycle.ts'
import { createPodGcController } from './controllers/node/pod-gc.ts'
import { createRemoteKinds, type FindRemoteVersions } from './controllers/remote-kinds.ts'
import { createReplicaController } from './controllers/replicaset/replicas.ts'
import { replicaSetKind, replicationControllerKind } from './controllers/replicaset/replicated.ts'
import { createResourceQuotaController } from './controllers/resource-quota.ts'
import { createServiceAddressController } from './controllers/service-addresses.ts'
import { createStatefulSetController } from './controllers/statefulset/statefulset.ts'
import { createVolumeBinder } from './controllers/volumes/binder.ts'
import { createEphemeralVolumeController } from './controllers/volumes/ephemeral.ts'
import { createVolumeExpander } from './controllers/volumes/expander.ts'
import { createHostPathProvisioner } from './controllers/volumes/host-path/provisioner.ts'
import { createClaimProtection, createVolumeProtection } from './controllers/volumes/protection.ts'
import type { Registry } from './registry/registry.ts'
import { defaultSettings, type SchedulerSettings } from './scheduler/config/settings.ts'
import { createScheduler } from './scheduler/scheduler.ts'

/** What may be left to others, such as a real kube-controller-manager and kube-scheduler. */
const switchable = (scheduler: SchedulerSettings): Readonly<Record<ComponentName, CreateController>> => ({
  'serviceaccount-controller': createDefaultAccountController,
  'root-ca-certificate-publisher-controller': createRootCaPublisher,
  'serviceaccount-token-controller': createTokenSecretController,
  'certificatesigningrequest-approving-controller': createCsrApprover,
  'certificatesigningrequest-signing-controller': createCsrSigner,
  'certificatesigningrequest-cleaner-controller': createCsrCleaner,
  'token-cleaner-controller': createTokenCleaner,
  'node-ipam-controller': createNodeCidrController,
  'node-lifecycle-controller': createNodeLifecycleController,
  'pod-garbage-collector-controller': createPodGcController,
  'replicaset-controller': createReplicaController(replicaSetKind),
  'replicationcontroller-controller': createReplicaController(replicationControllerKind),
  'deployment-controller': createDeploymentController,
  'daemonset-controller': createDaemonSetController,
  'statefulset-controller': createStatefulSetController,
  'job-controller': createJobController,
  'ttl-after-finished-controller': createTtlAfterFinishedController,
  'cronjob-controller': createCronJobController,
  'disruption-controller': createDisruptionController,
  'horizontal-pod-autoscaler-controller': createAutoscalerController,
  'endpointslice-controller': createEndpointSliceController,
  'endpointslice-mirroring-controller': createMirroringController,
  'garbage-collector-controller': createGarbageCollector,
  'namespace-controller': createNamespaceController,
  'resourcequota-controller': createResourceQuotaController,
  'persistentvolume-binder-controller': createVolumeBinder,
  'persistentvolume-expander-controller': createVolumeExpander,
  'persistentvolumeclaim-protection-controller': createClaimProtection,
  'persistentvolume-protection-controller': createVolumeProtection,
  'ephemeral-volume-controller': createEphemeralVolumeController,
  'host-path-provisioner-controller': createHostPathProvisioner,
  'clusterrole-aggregation-controller': createClusterRoleAggregation,
  'service-lb-controller': createLoadBalancerController,
  'ingress-status-controller': createIngressStatusController,
  'ingress-problems-controller': createIngressProblemController,
  'gateway-status-controller': createGatewayStatusController,
  'kube-scheduler': createScheduler(scheduler),
})

/** What in Kubernetes is the API server's own work. */
const ofTheServer: readonly CreateController[] = [
  createCustomKindController,
  createServiceAddressController,
  createEventTtlController,
]

const chosen = (disabled: readonly string[], scheduler: SchedulerSettings): readonly CreateController[] =>
  Object.entries(switchable(scheduler))
    .filter(([name]) => !disabled.includes(name))
    .map(([, create]) => create)

const restartMs = 1_000

export interface RunControllersOptions {
  readonly client: Client
  readonly registry: Registry
  /** What API servers behind this one have. */
  readonly findRemote: FindRemoteVersions
  readonly clock: Clock
  readonly log: Logger
  readonly settings: ControllerSettings
  /** Missing: as kube-scheduler without a configuration. */
  readonly scheduler?: SchedulerSettings | undefined
  /** Is told of every failure. */
  readonly loops: Pick<Loops, 'failed'>
  /** What others do here. */
  readonly disabled?: readonly ComponentName[]
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
  const {
    client,
    registry,
    findRemote,
    clock,
    log,
    loops,
    disabled = [],
    more = [],
    scheduler = defaultSettings,
  } = options
  const remote = createRemoteKinds(findRemote, clock)
  const informers = createInformers({ client, registry, remote, clock, log })
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
        loops.failed(controller.name, error)
        log.error({ controller: controller.name, err: error }, 'a controller failed; starting it again')
        await sleep(restartMs, signal, clock)
      }
    }
  }

  await Promise.race([informers.synced, aborted(signal)])
  if (!signal.aborted) {
    log.info(disabled.length > 0 ? { disabled } : {}, 'controllers start')
    const context = { ...options, informers, remote, loadBalancerAddresses: addressesOf(options.settings, informers) }
    await Promise.all(
      [...chosen(disabled, scheduler), ...ofTheServer, ...more].map((create) => keepRunning(create, context)),
    )
  }
  await watching
}
