/** Which fields take one of few values: the schema calls them strings. By the name that the API's own Go types have for it. */
export interface Enumeration {
  readonly values: readonly string[]
  readonly fields: readonly string[]
}

export const enumerations: Readonly<Record<string, Enumeration>> = {
  'apps/v1.DeploymentStrategyType': {
    values: ['Recreate', 'RollingUpdate'],
    fields: ['apps/v1.DeploymentStrategy.type'],
  },
  'core/v1.DNSPolicy': {
    values: ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'],
    fields: ['core/v1.PodSpec.dnsPolicy'],
  },
  'core/v1.EventType': { values: ['Normal', 'Warning'], fields: ['core/v1.Event.type'] },
  'core/v1.IPFamily': { values: ['IPv4', 'IPv6'], fields: ['core/v1.ServiceSpec.ipFamilies'] },
  'core/v1.IPFamilyPolicy': {
    values: ['PreferDualStack', 'RequireDualStack', 'SingleStack'],
    fields: ['core/v1.ServiceSpec.ipFamilyPolicy'],
  },
  'core/v1.LoadBalancerIPMode': { values: ['Proxy', 'VIP'], fields: ['core/v1.LoadBalancerIngress.ipMode'] },
  'core/v1.NamespacePhase': { values: ['Active', 'Terminating'], fields: ['core/v1.NamespaceStatus.phase'] },
  'core/v1.NodeAddressType': {
    values: ['ExternalDNS', 'ExternalIP', 'Hostname', 'InternalDNS', 'InternalIP'],
    fields: ['core/v1.NodeAddress.type'],
  },
  'core/v1.NodeSelectorOperator': {
    values: ['DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'],
    fields: ['core/v1.NodeSelectorRequirement.operator'],
  },
  'core/v1.PodPhase': {
    values: ['Failed', 'Pending', 'Running', 'Succeeded', 'Unknown'],
    fields: ['core/v1.PodStatus.phase'],
  },
  'core/v1.Protocol': {
    values: ['SCTP', 'TCP', 'UDP'],
    fields: [
      'core/v1.ContainerPort.protocol',
      'core/v1.EndpointPort.protocol',
      'core/v1.PortStatus.protocol',
      'core/v1.ServicePort.protocol',
      'discovery/v1.EndpointPort.protocol',
      'discovery/v1beta1.EndpointPort.protocol',
      'networking/v1.IngressPortStatus.protocol',
      'networking/v1.NetworkPolicyPort.protocol',
      'networking/v1beta1.IngressPortStatus.protocol',
    ],
  },
  'core/v1.PullPolicy': {
    values: ['Always', 'IfNotPresent', 'Never'],
    fields: ['core/v1.Container.imagePullPolicy', 'core/v1.EphemeralContainer.imagePullPolicy'],
  },
  'core/v1.RestartPolicy': {
    values: ['Always', 'Never', 'OnFailure'],
    fields: ['core/v1.PodSpec.restartPolicy'],
  },
  'core/v1.ServiceAffinity': { values: ['ClientIP', 'None'], fields: ['core/v1.ServiceSpec.sessionAffinity'] },
  'core/v1.ServiceTrafficPolicy': {
    values: ['Cluster', 'Local'],
    fields: ['core/v1.ServiceSpec.externalTrafficPolicy', 'core/v1.ServiceSpec.internalTrafficPolicy'],
  },
  'core/v1.ServiceType': {
    values: ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'],
    fields: ['core/v1.ServiceSpec.type'],
  },
  'core/v1.TaintEffect': {
    values: ['NoExecute', 'NoSchedule', 'PreferNoSchedule'],
    fields: ['core/v1.Taint.effect', 'core/v1.Toleration.effect'],
  },
  'core/v1.TolerationOperator': { values: ['Equal', 'Exists'], fields: ['core/v1.Toleration.operator'] },
  'core/v1.URIScheme': { values: ['HTTP', 'HTTPS'], fields: ['core/v1.HTTPGetAction.scheme'] },
  'discovery/v1.AddressType': {
    values: ['FQDN', 'IPv4', 'IPv6'],
    fields: ['discovery/v1.EndpointSlice.addressType', 'discovery/v1beta1.EndpointSlice.addressType'],
  },
  'meta/v1.ConditionStatus': {
    values: ['False', 'True', 'Unknown'],
    fields: [
      'apps/v1.DaemonSetCondition.status',
      'apps/v1.DeploymentCondition.status',
      'apps/v1.ReplicaSetCondition.status',
      'apps/v1.StatefulSetCondition.status',
      'certificates/v1.CertificateSigningRequestCondition.status',
      'core/v1.NamespaceCondition.status',
      'core/v1.NodeCondition.status',
      'core/v1.PodCondition.status',
      'core/v1.ReplicationControllerCondition.status',
      'meta/v1.Condition.status',
    ],
  },
  'meta/v1.LabelSelectorOperator': {
    values: ['DoesNotExist', 'Exists', 'In', 'NotIn'],
    fields: ['meta/v1.LabelSelectorRequirement.operator'],
  },
  'meta/v1.StatusWord': { values: ['Failure', 'Success'], fields: ['meta/v1.Status.status'] },
  'networking/v1.PathType': {
    values: ['Exact', 'ImplementationSpecific', 'Prefix'],
    fields: ['networking/v1.HTTPIngressPath.pathType', 'networking/v1beta1.HTTPIngressPath.pathType'],
  },
  'networking/v1.PolicyType': {
    values: ['Egress', 'Ingress'],
    fields: ['networking/v1.NetworkPolicySpec.policyTypes'],
  },
}
