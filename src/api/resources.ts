/** Where each kind lives in the REST tree, for clients. The server's own registry holds far more about each. */
import type {
  CertificateSigningRequest,
  ConfigMap,
  Deployment,
  EndpointSlice,
  Endpoints,
  Event,
  Gateway,
  GatewayClass,
  HTTPRoute,
  Ingress,
  IngressClass,
  IPAddress,
  KubeObject,
  Lease,
  Namespace,
  NetworkPolicy,
  Node,
  Pod,
  ReferenceGrant,
  ReplicaSet,
  Secret,
  Service,
  ServiceCIDR,
} from './types/index.ts'
import type { CustomResourceDefinition } from './types/kubernetes/apiextensions-v1.ts'
import type { APIService } from './types/kubernetes/apiregistration-v1.ts'
import type { ControllerRevision, DaemonSet, StatefulSet } from './types/kubernetes/apps-v1.ts'
import type { HorizontalPodAutoscaler } from './types/kubernetes/autoscaling-v2.ts'
import type { CronJob, Job } from './types/kubernetes/batch-v1.ts'
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  ReplicationController,
  ResourceQuota,
  ServiceAccount,
} from './types/kubernetes/core-v1.ts'
import type { RuntimeClass } from './types/kubernetes/node-v1.ts'
import type { PodDisruptionBudget } from './types/kubernetes/policy-v1.ts'
import type { PriorityClass } from './types/kubernetes/scheduling-v1.ts'
import type { CSIDriver, CSINode, StorageClass } from './types/kubernetes/storage-v1.ts'

/** One served resource. `T` is the type of its objects. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  /** The plural in the URL. */
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  /** Never set: carries the object type. */
  readonly object?: T
}

const resource =
  <T extends KubeObject>() =>
  (group: string, version: string, plural: string, kind: string, namespaced: boolean): Resource<T> => ({
    group,
    version,
    plural,
    kind,
    namespaced,
  })

export const namespaces = resource<Namespace>()('', 'v1', 'namespaces', 'Namespace', false)
export const nodes = resource<Node>()('', 'v1', 'nodes', 'Node', false)
export const pods = resource<Pod>()('', 'v1', 'pods', 'Pod', true)
export const services = resource<Service>()('', 'v1', 'services', 'Service', true)
export const endpoints = resource<Endpoints>()('', 'v1', 'endpoints', 'Endpoints', true)
export const configMaps = resource<ConfigMap>()('', 'v1', 'configmaps', 'ConfigMap', true)
export const secrets = resource<Secret>()('', 'v1', 'secrets', 'Secret', true)
export const serviceAccounts = resource<ServiceAccount>()('', 'v1', 'serviceaccounts', 'ServiceAccount', true)
export const persistentVolumes = resource<PersistentVolume>()('', 'v1', 'persistentvolumes', 'PersistentVolume', false)
export const persistentVolumeClaims = resource<PersistentVolumeClaim>()(
  '',
  'v1',
  'persistentvolumeclaims',
  'PersistentVolumeClaim',
  true,
)
export const storageClasses = resource<StorageClass>()('storage.k8s.io', 'v1', 'storageclasses', 'StorageClass', false)
export const csiDrivers = resource<CSIDriver>()('storage.k8s.io', 'v1', 'csidrivers', 'CSIDriver', false)
export const csiNodes = resource<CSINode>()('storage.k8s.io', 'v1', 'csinodes', 'CSINode', false)
export const replicationControllers = resource<ReplicationController>()(
  '',
  'v1',
  'replicationcontrollers',
  'ReplicationController',
  true,
)
export const resourceQuotas = resource<ResourceQuota>()('', 'v1', 'resourcequotas', 'ResourceQuota', true)
export const events = resource<Event>()('', 'v1', 'events', 'Event', true)
export const leases = resource<Lease>()('coordination.k8s.io', 'v1', 'leases', 'Lease', true)
export const endpointSlices = resource<EndpointSlice>()(
  'discovery.k8s.io',
  'v1',
  'endpointslices',
  'EndpointSlice',
  true,
)
export const replicaSets = resource<ReplicaSet>()('apps', 'v1', 'replicasets', 'ReplicaSet', true)
export const deployments = resource<Deployment>()('apps', 'v1', 'deployments', 'Deployment', true)
export const statefulSets = resource<StatefulSet>()('apps', 'v1', 'statefulsets', 'StatefulSet', true)
export const daemonSets = resource<DaemonSet>()('apps', 'v1', 'daemonsets', 'DaemonSet', true)
export const controllerRevisions = resource<ControllerRevision>()(
  'apps',
  'v1',
  'controllerrevisions',
  'ControllerRevision',
  true,
)
export const jobs = resource<Job>()('batch', 'v1', 'jobs', 'Job', true)
export const cronJobs = resource<CronJob>()('batch', 'v1', 'cronjobs', 'CronJob', true)
export const podDisruptionBudgets = resource<PodDisruptionBudget>()(
  'policy',
  'v1',
  'poddisruptionbudgets',
  'PodDisruptionBudget',
  true,
)
export const horizontalPodAutoscalers = resource<HorizontalPodAutoscaler>()(
  'autoscaling',
  'v2',
  'horizontalpodautoscalers',
  'HorizontalPodAutoscaler',
  true,
)
export const ingresses = resource<Ingress>()('networking.k8s.io', 'v1', 'ingresses', 'Ingress', true)
export const ingressClasses = resource<IngressClass>()(
  'networking.k8s.io',
  'v1',
  'ingressclasses',
  'IngressClass',
  false,
)
export const networkPolicies = resource<NetworkPolicy>()(
  'networking.k8s.io',
  'v1',
  'networkpolicies',
  'NetworkPolicy',
  true,
)
export const serviceCIDRs = resource<ServiceCIDR>()('networking.k8s.io', 'v1', 'servicecidrs', 'ServiceCIDR', false)
export const ipAddresses = resource<IPAddress>()('networking.k8s.io', 'v1', 'ipaddresses', 'IPAddress', false)
export const runtimeClasses = resource<RuntimeClass>()('node.k8s.io', 'v1', 'runtimeclasses', 'RuntimeClass', false)
export const priorityClasses = resource<PriorityClass>()(
  'scheduling.k8s.io',
  'v1',
  'priorityclasses',
  'PriorityClass',
  false,
)
export const certificateSigningRequests = resource<CertificateSigningRequest>()(
  'certificates.k8s.io',
  'v1',
  'certificatesigningrequests',
  'CertificateSigningRequest',
  false,
)
export const customResourceDefinitions = resource<CustomResourceDefinition>()(
  'apiextensions.k8s.io',
  'v1',
  'customresourcedefinitions',
  'CustomResourceDefinition',
  false,
)
export const apiServices = resource<APIService>()('apiregistration.k8s.io', 'v1', 'apiservices', 'APIService', false)
export const gatewayClasses = resource<GatewayClass>()(
  'gateway.networking.k8s.io',
  'v1',
  'gatewayclasses',
  'GatewayClass',
  false,
)
export const gateways = resource<Gateway>()('gateway.networking.k8s.io', 'v1', 'gateways', 'Gateway', true)
export const httpRoutes = resource<HTTPRoute>()('gateway.networking.k8s.io', 'v1', 'httproutes', 'HTTPRoute', true)
/** In v1beta1: the version that every release of the Gateway API serves. */
export const referenceGrants = resource<ReferenceGrant>()(
  'gateway.networking.k8s.io',
  'v1beta1',
  'referencegrants',
  'ReferenceGrant',
  true,
)

/** Those that Podway's own parts read, in the versions in which they ask for them: kinds of users, which may be missing. */
export const gatewayKinds: readonly Resource[] = [gatewayClasses, gateways, httpRoutes, referenceGrants]

/** `apps/v1`, or `v1` for the core group. */
export const groupVersion = (r: { readonly group: string; readonly version: string }): string =>
  r.group === '' ? r.version : `${r.group}/${r.version}`

/** The URL path of a collection (no name), an object, or a subresource of it. */
export const resourcePath = (r: Resource, namespace?: string, name?: string, subresource?: string): string => {
  const root = r.group === '' ? `/api/${r.version}` : `/apis/${r.group}/${r.version}`
  const scope = r.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  const leaf = name === undefined ? '' : `/${encodeURIComponent(name)}${subresource ? `/${subresource}` : ''}`
  return `${root}${scope}/${r.plural}${leaf}`
}

/** `namespace/name`, or just the name for cluster-scoped objects: the key of every local copy and work queue. */
export const objectKey = (object: { readonly metadata: { readonly name: string; readonly namespace?: string } }) =>
  object.metadata.namespace ? `${object.metadata.namespace}/${object.metadata.name}` : object.metadata.name

/** Inverse of `objectKey`. */
export const splitKey = (key: string): { readonly namespace: string; readonly name: string } => {
  const slash = key.indexOf('/')
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
