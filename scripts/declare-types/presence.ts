/**
 * Whether a field is there, where the schema's own word for it serves readers badly. The schema says what Go writes: a field
 * without `omitempty`, every struct that is no pointer, and null for a time that nobody has set.
 */

/** Left out by Go when empty, and never empty in an object that a server has accepted. */
export const alwaysThere: readonly string[] = [
  'apps/v1.DeploymentSpec.selector',
  'apps/v1.ReplicaSetSpec.selector',
  'meta/v1.ObjectMeta.name',
  'meta/v1.Status.status',
  'networking/v1.HTTPIngressPath.pathType',
  'networking/v1.IPAddressSpec.parentRef',
  'networking/v1.ParentReference.name',
  'networking/v1.ParentReference.resource',
]

/** Written by Go even when empty. Who makes an object need not name them, so that whoever reads it does well to ask. */
export const mayLack: readonly string[] = [
  'apps/v1.Deployment.status',
  'apps/v1.DeploymentSpec.strategy',
  'apps/v1.ReplicaSet.status',
  'certificates/v1.CertificateSigningRequest.status',
  'core/v1.Container.resources',
  'core/v1.ContainerStatus.lastState',
  'core/v1.ContainerStatus.state',
  'core/v1.EphemeralContainer.resources',
  'core/v1.Event.reportingComponent',
  'core/v1.Event.reportingInstance',
  'core/v1.Event.source',
  'core/v1.Namespace.spec',
  'core/v1.Namespace.status',
  'core/v1.Node.spec',
  'core/v1.Node.status',
  'core/v1.NodeStatus.daemonEndpoints',
  'core/v1.NodeStatus.nodeInfo',
  'core/v1.Pod.status',
  'core/v1.PodTemplateSpec.metadata',
  'core/v1.Service.status',
  'discovery/v1.Endpoint.conditions',
  'discovery/v1.EndpointSlice.ports',
  'discovery/v1beta1.Endpoint.conditions',
  'discovery/v1beta1.EndpointSlice.ports',
  'networking/v1.Ingress.status',
  'networking/v1.IngressServiceBackend.port',
  'networking/v1.ServiceCIDR.status',
  'networking/v1beta1.Ingress.status',
]

/** Times that a server always sets. */
export const neverNull: readonly string[] = [
  'authentication/v1.TokenRequestStatus.expirationTimestamp',
  'meta/v1.ObjectMeta.creationTimestamp',
]
