/**
 * The roles that every cluster has, as Kubernetes 1.20 and metrics-server have them, and what was added since that clients ask for. A rule is
 * written VERBS / GROUPS / RESOURCES / NAMES, or VERBS / urls / PATHS; `core` is the group without a name.
 */

type Rules = Readonly<Record<string, readonly string[]>>

/** ClusterRoles of people, and of the components of a cluster. */
export const clusterRoles: Rules = {
  'cluster-admin': ['* / * / *', '* / urls / *'],
  'system:aggregate-to-admin': [
    'create / authorization.k8s.io / localsubjectaccessreviews',
    'create delete deletecollection get list patch update watch / rbac.authorization.k8s.io / rolebindings roles',
  ],
  'system:aggregate-to-edit': [
    'get list watch / core / pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy',
    'impersonate / core / serviceaccounts',
    'create delete deletecollection patch update / core / pods pods/attach pods/exec pods/portforward pods/proxy',
    'create delete deletecollection patch update / core / configmaps endpoints persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
    'create delete deletecollection patch update / apps / daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
    'create delete deletecollection patch update / autoscaling / horizontalpodautoscalers',
    'create delete deletecollection patch update / batch / cronjobs jobs',
    'create delete deletecollection patch update / extensions / daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale',
    'create delete deletecollection patch update / policy / poddisruptionbudgets',
    'create delete deletecollection patch update / networking.k8s.io / ingresses networkpolicies',
  ],
  'system:aggregate-to-view': [
    'get list watch / core / configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
    'get list watch / core / bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
    'get list watch / core / namespaces',
    'get list watch / apps / controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
    'get list watch / autoscaling / horizontalpodautoscalers horizontalpodautoscalers/status',
    'get list watch / batch / cronjobs cronjobs/status jobs jobs/status',
    'get list watch / extensions / daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale',
    'get list watch / policy / poddisruptionbudgets poddisruptionbudgets/status',
    'get list watch / discovery.k8s.io / endpointslices',
    'get list watch / networking.k8s.io / ingresses ingresses/status networkpolicies',
  ],
  'system:aggregated-metrics-reader': ['get list watch / metrics.k8s.io / nodes pods'],
  'system:auth-delegator': [
    'create / authentication.k8s.io / tokenreviews',
    'create / authorization.k8s.io / subjectaccessreviews',
  ],
  'system:basic-user': [
    'create / authorization.k8s.io / selfsubjectaccessreviews selfsubjectrulesreviews',
    'create / authentication.k8s.io / selfsubjectreviews',
  ],
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': [
    'create / certificates.k8s.io / certificatesigningrequests/nodeclient',
  ],
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': [
    'create / certificates.k8s.io / certificatesigningrequests/selfnodeclient',
  ],
  'system:certificates.k8s.io:kube-apiserver-client-approver': [
    'approve / certificates.k8s.io / signers / kubernetes.io/kube-apiserver-client',
  ],
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': [
    'approve / certificates.k8s.io / signers / kubernetes.io/kube-apiserver-client-kubelet',
  ],
  'system:certificates.k8s.io:kubelet-serving-approver': [
    'approve / certificates.k8s.io / signers / kubernetes.io/kubelet-serving',
  ],
  'system:certificates.k8s.io:legacy-unknown-approver': [
    'approve / certificates.k8s.io / signers / kubernetes.io/legacy-unknown',
  ],
  'system:discovery': [
    'get / urls / /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/',
  ],
  'system:heapster': [
    'get list watch / core / events namespaces nodes pods',
    'get list watch / extensions / deployments',
  ],
  'system:kube-aggregator': ['get list watch / core / endpoints services'],
  'system:kube-controller-manager': [
    'create patch update / core events.k8s.io / events',
    'create / coordination.k8s.io / leases',
    'get update / coordination.k8s.io / leases / kube-controller-manager',
    'create / core / endpoints',
    'get update / core / endpoints / kube-controller-manager',
    'create / core / secrets serviceaccounts',
    'delete / core / secrets',
    'get / core / configmaps namespaces secrets serviceaccounts',
    'update / core / secrets serviceaccounts',
    'create / authentication.k8s.io / tokenreviews',
    'create / authorization.k8s.io / subjectaccessreviews',
    'list watch / * / *',
    'create / core / serviceaccounts/token',
  ],
  'system:kube-dns': ['list watch / core / endpoints services'],
  'system:kube-scheduler': [
    'create patch update / core events.k8s.io / events',
    'create / coordination.k8s.io / leases',
    'get update / coordination.k8s.io / leases / kube-scheduler',
    'create / core / endpoints',
    'get update / core / endpoints / kube-scheduler',
    'get list watch / core / nodes',
    'delete get list watch / core / pods',
    'create / core / bindings pods/binding',
    'patch update / core / pods/status',
    'get list watch / core / replicationcontrollers services',
    'get list watch / apps extensions / replicasets',
    'get list watch / apps / statefulsets',
    'get list watch / policy / poddisruptionbudgets',
    'get list watch / core / persistentvolumeclaims persistentvolumes',
    'create / authentication.k8s.io / tokenreviews',
    'create / authorization.k8s.io / subjectaccessreviews',
    'get list watch / storage.k8s.io / csinodes',
  ],
  'system:kubelet-api-admin': [
    'get list watch / core / nodes',
    'proxy / core / nodes',
    '* / core / nodes/log nodes/metrics nodes/proxy nodes/spec nodes/stats',
  ],
  'system:monitoring': ['get / urls / /healthz /healthz/* /livez /livez/* /metrics /readyz /readyz/*'],
  'system:node': [
    'create / authentication.k8s.io / tokenreviews',
    'create / authorization.k8s.io / localsubjectaccessreviews subjectaccessreviews',
    'get list watch / core / services',
    'create get list watch / core / nodes',
    'patch update / core / nodes/status',
    'patch update / core / nodes',
    'create patch update / core / events',
    'get list watch / core / pods',
    'create delete / core / pods',
    'patch update / core / pods/status',
    'create / core / pods/eviction',
    'get list watch / core / configmaps secrets',
    'get / core / persistentvolumeclaims persistentvolumes',
    'get / core / endpoints',
    'create get list watch / certificates.k8s.io / certificatesigningrequests',
    'create delete get patch update / coordination.k8s.io / leases',
    'get / storage.k8s.io / volumeattachments',
    'create / core / serviceaccounts/token',
    'get patch update / core / persistentvolumeclaims/status',
    'get list watch / storage.k8s.io / csidrivers',
    'create delete get patch update / storage.k8s.io / csinodes',
    'get list watch / node.k8s.io / runtimeclasses',
  ],
  'system:node-bootstrapper': ['create get list watch / certificates.k8s.io / certificatesigningrequests'],
  'system:node-problem-detector': [
    'get / core / nodes',
    'patch / core / nodes/status',
    'create patch update / core events.k8s.io / events',
  ],
  'system:node-proxier': [
    'list watch / core / endpoints services',
    'get list watch / core / nodes',
    'create patch update / core events.k8s.io / events',
    'list watch / discovery.k8s.io / endpointslices',
  ],
  'system:persistent-volume-provisioner': [
    'create delete get list watch / core / persistentvolumes',
    'get list update watch / core / persistentvolumeclaims',
    'get list watch / storage.k8s.io / storageclasses',
    'watch / core / events',
    'create patch update / core events.k8s.io / events',
  ],
  'system:public-info-viewer': ['get / urls / /healthz /livez /readyz /version /version/'],
  'system:service-account-issuer-discovery': ['get / urls / /.well-known/openid-configuration /openid/v1/jwks'],
  'system:volume-scheduler': [
    'get list patch update watch / core / persistentvolumes',
    'get list watch / storage.k8s.io / storageclasses',
    'get list patch update watch / core / persistentvolumeclaims',
  ],
}

/** ClusterRoles of the controllers of kube-controller-manager: system:controller:NAME, for the account NAME of kube-system. */
export const controllerRoles: Rules = {
  'attachdetach-controller': [
    'list watch / core / persistentvolumeclaims persistentvolumes',
    'get list watch / core / nodes',
    'patch update / core / nodes/status',
    'list watch / core / pods',
    'create patch update / core events.k8s.io / events',
    'create delete get list watch / storage.k8s.io / volumeattachments',
    'get list watch / storage.k8s.io / csidrivers',
    'get list watch / storage.k8s.io / csinodes',
  ],
  'certificate-controller': [
    'delete get list watch / certificates.k8s.io / certificatesigningrequests',
    'update / certificates.k8s.io / certificatesigningrequests/approval certificatesigningrequests/status',
    'approve / certificates.k8s.io / signers / kubernetes.io/kube-apiserver-client-kubelet',
    'sign / certificates.k8s.io / signers / kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown',
    'create / authorization.k8s.io / subjectaccessreviews',
    'create patch update / core events.k8s.io / events',
  ],
  'clusterrole-aggregation-controller': [
    'escalate get list patch update watch / rbac.authorization.k8s.io / clusterroles',
  ],
  'cronjob-controller': [
    'get list update watch / batch / cronjobs',
    'create delete get list patch update watch / batch / jobs',
    'update / batch / cronjobs/status',
    'update / batch / cronjobs/finalizers',
    'delete list / core / pods',
    'create patch update / core events.k8s.io / events',
  ],
  'daemon-set-controller': [
    'get list watch / apps extensions / daemonsets',
    'update / apps extensions / daemonsets/status',
    'update / apps extensions / daemonsets/finalizers',
    'list watch / core / nodes',
    'create delete list patch watch / core / pods',
    'create / core / pods/binding',
    'create delete get list patch update watch / apps / controllerrevisions',
    'create patch update / core events.k8s.io / events',
  ],
  'deployment-controller': [
    'get list update watch / apps extensions / deployments',
    'update / apps extensions / deployments/status',
    'update / apps extensions / deployments/finalizers',
    'create delete get list patch update watch / apps extensions / replicasets',
    'get list update watch / core / pods',
    'create patch update / core events.k8s.io / events',
  ],
  'disruption-controller': [
    'get list watch / apps extensions / deployments',
    'get list watch / apps extensions / replicasets',
    'get list watch / core / replicationcontrollers',
    'get list watch / policy / poddisruptionbudgets',
    'get list watch / apps / statefulsets',
    'update / policy / poddisruptionbudgets/status',
    'get / * / */scale',
    'create patch update / core events.k8s.io / events',
  ],
  'endpoint-controller': [
    'get list watch / core / pods services',
    'create delete get list update / core / endpoints',
    'create / core / endpoints/restricted',
    'create patch update / core events.k8s.io / events',
  ],
  'endpointslice-controller': [
    'get list watch / core / nodes pods services',
    'update / core / services/finalizers',
    'create delete get list update / discovery.k8s.io / endpointslices',
    'create patch update / core events.k8s.io / events',
  ],
  'endpointslicemirroring-controller': [
    'get list watch / core / endpoints services',
    'update / core / services/finalizers',
    'update / core / endpoints/finalizers',
    'create delete get list update / discovery.k8s.io / endpointslices',
    'create patch update / core events.k8s.io / events',
  ],
  'expand-controller': [
    'get list patch update watch / core / persistentvolumes',
    'patch update / core / persistentvolumeclaims/status',
    'get list watch / core / persistentvolumeclaims',
    'get list watch / storage.k8s.io / storageclasses',
    'get / core / endpoints services',
    'get / core / secrets',
    'create patch update / core events.k8s.io / events',
  ],
  'generic-garbage-collector': [
    'delete get list patch update watch / * / *',
    'create patch update / core events.k8s.io / events',
  ],
  'horizontal-pod-autoscaler': [
    'get list watch / autoscaling / horizontalpodautoscalers',
    'update / autoscaling / horizontalpodautoscalers/status',
    'get update / * / */scale',
    'list / core / pods',
    'get / core / services/proxy / http:heapster: https:heapster:',
    'list / metrics.k8s.io / pods',
    'get list / custom.metrics.k8s.io / *',
    'create patch update / core events.k8s.io / events',
  ],
  'job-controller': [
    'get list update watch / batch / jobs',
    'update / batch / jobs/status',
    'update / batch / jobs/finalizers',
    'create delete list patch watch / core / pods',
    'create patch update / core events.k8s.io / events',
  ],
  'namespace-controller': [
    'delete get list watch / core / namespaces',
    'update / core / namespaces/finalize namespaces/status',
    'delete deletecollection get list / * / *',
  ],
  'node-controller': [
    'delete get list patch update / core / nodes',
    'patch update / core / nodes/status',
    'update / core / pods/status',
    'delete list / core / pods',
    'create patch update / core events.k8s.io / events',
  ],
  'persistent-volume-binder': [
    'create delete get list update watch / core / persistentvolumes',
    'update / core / persistentvolumes/status',
    'get list update watch / core / persistentvolumeclaims',
    'update / core / persistentvolumeclaims/status',
    'create delete get list watch / core / pods',
    'get list watch / storage.k8s.io / storageclasses',
    'create delete get update / core / endpoints',
    'create delete get / core / services',
    'get / core / secrets',
    'get list / core / nodes',
    'watch / core / events',
    'create patch update / core events.k8s.io / events',
  ],
  'pod-garbage-collector': ['delete list watch / core / pods', 'get list / core / nodes'],
  'pv-protection-controller': [
    'get list update watch / core / persistentvolumes',
    'create patch update / core events.k8s.io / events',
  ],
  'pvc-protection-controller': [
    'get list update watch / core / persistentvolumeclaims',
    'get list watch / core / pods',
    'create patch update / core events.k8s.io / events',
  ],
  'replicaset-controller': [
    'get list update watch / apps extensions / replicasets',
    'update / apps extensions / replicasets/status',
    'update / apps extensions / replicasets/finalizers',
    'create delete list patch watch / core / pods',
    'create patch update / core events.k8s.io / events',
  ],
  'replication-controller': [
    'get list update watch / core / replicationcontrollers',
    'update / core / replicationcontrollers/status',
    'update / core / replicationcontrollers/finalizers',
    'create delete list patch watch / core / pods',
    'create patch update / core events.k8s.io / events',
  ],
  'resourcequota-controller': [
    'list watch / * / *',
    'update / core / resourcequotas/status',
    'create patch update / core events.k8s.io / events',
  ],
  'root-ca-cert-publisher': ['create update / core / configmaps', 'create patch update / core events.k8s.io / events'],
  'route-controller': [
    'list watch / core / nodes',
    'patch / core / nodes/status',
    'create patch update / core events.k8s.io / events',
  ],
  'service-account-controller': [
    'create / core / serviceaccounts',
    'create patch update / core events.k8s.io / events',
  ],
  'service-controller': [
    'get list watch / core / services',
    'patch update / core / services/status',
    'list watch / core / nodes',
    'create patch update / core events.k8s.io / events',
  ],
  'statefulset-controller': [
    'list watch / core / pods',
    'get list watch / apps / statefulsets',
    'update / apps / statefulsets/status',
    'update / apps / statefulsets/finalizers',
    'create delete get patch update / core / pods',
    'create delete get list patch update watch / apps / controllerrevisions',
    'create get / core / persistentvolumeclaims',
    'create patch update / core events.k8s.io / events',
  ],
  'ttl-controller': ['list patch update watch / core / nodes', 'create patch update / core events.k8s.io / events'],
}

/** Roles by `namespace/name`. */
export const namespacedRoles: Rules = {
  'kube-public/system:controller:bootstrap-signer': [
    'get list watch / core / configmaps',
    'update / core / configmaps / cluster-info',
    'create patch update / core events.k8s.io / events',
  ],
  'kube-system/extension-apiserver-authentication-reader': [
    'get list watch / core / configmaps / extension-apiserver-authentication',
  ],
  'kube-system/system::leader-locking-kube-controller-manager': [
    'watch / core / configmaps',
    'get update / core / configmaps / kube-controller-manager',
  ],
  'kube-system/system::leader-locking-kube-scheduler': [
    'watch / core / configmaps',
    'get update / core / configmaps / kube-scheduler',
  ],
  'kube-system/system:controller:bootstrap-signer': ['get list watch / core / secrets'],
  'kube-system/system:controller:cloud-provider': ['create get list watch / core / configmaps'],
  'kube-system/system:controller:token-cleaner': [
    'delete get list watch / core / secrets',
    'create patch update / core events.k8s.io / events',
  ],
}

/** ClusterRoles that gather the rules of those with the label `rbac.authorization.k8s.io/aggregate-to-NAME`. */
export const aggregatedRoles = ['admin', 'edit', 'view'] as const

/** Which of them a ClusterRole is part of. */
export const aggregatedTo: Readonly<Record<string, readonly (typeof aggregatedRoles)[number][]>> = {
  'system:aggregate-to-admin': ['admin'],
  'system:aggregate-to-edit': ['edit'],
  'system:aggregate-to-view': ['view'],
  'system:aggregated-metrics-reader': ['admin', 'edit', 'view'],
  edit: ['admin'],
  view: ['edit'],
}

/** Whom roles are given to: `Group NAME`, `User NAME`, `ServiceAccount NAMESPACE/NAME`. */
type Bindings = Readonly<Record<string, { readonly role: string; readonly subjects: readonly string[] }>>

export const clusterRoleBindings: Bindings = {
  'cluster-admin': { role: 'cluster-admin', subjects: ['Group system:masters'] },
  'system:basic-user': { role: 'system:basic-user', subjects: ['Group system:authenticated'] },
  'system:discovery': { role: 'system:discovery', subjects: ['Group system:authenticated'] },
  'system:kube-controller-manager': {
    role: 'system:kube-controller-manager',
    subjects: ['User system:kube-controller-manager'],
  },
  'system:kube-dns': { role: 'system:kube-dns', subjects: ['ServiceAccount kube-system/kube-dns'] },
  'system:kube-scheduler': { role: 'system:kube-scheduler', subjects: ['User system:kube-scheduler'] },
  'system:monitoring': { role: 'system:monitoring', subjects: ['Group system:monitoring'] },
  'system:node': { role: 'system:node', subjects: [] },
  'system:node-proxier': { role: 'system:node-proxier', subjects: ['User system:kube-proxy'] },
  'system:public-info-viewer': {
    role: 'system:public-info-viewer',
    subjects: ['Group system:authenticated', 'Group system:unauthenticated'],
  },
  'system:service-account-issuer-discovery': {
    role: 'system:service-account-issuer-discovery',
    subjects: ['Group system:serviceaccounts'],
  },
  'system:volume-scheduler': { role: 'system:volume-scheduler', subjects: ['User system:kube-scheduler'] },
}

/** By `namespace/name`; each refers to a Role of its namespace. */
export const roleBindings: Bindings = {
  'kube-public/system:controller:bootstrap-signer': {
    role: 'system:controller:bootstrap-signer',
    subjects: ['ServiceAccount kube-system/bootstrap-signer'],
  },
  'kube-system/system::extension-apiserver-authentication-reader': {
    role: 'extension-apiserver-authentication-reader',
    subjects: ['User system:kube-controller-manager', 'User system:kube-scheduler'],
  },
  'kube-system/system::leader-locking-kube-controller-manager': {
    role: 'system::leader-locking-kube-controller-manager',
    subjects: ['User system:kube-controller-manager', 'ServiceAccount kube-system/kube-controller-manager'],
  },
  'kube-system/system::leader-locking-kube-scheduler': {
    role: 'system::leader-locking-kube-scheduler',
    subjects: ['User system:kube-scheduler', 'ServiceAccount kube-system/kube-scheduler'],
  },
  'kube-system/system:controller:bootstrap-signer': {
    role: 'system:controller:bootstrap-signer',
    subjects: ['ServiceAccount kube-system/bootstrap-signer'],
  },
  'kube-system/system:controller:cloud-provider': {
    role: 'system:controller:cloud-provider',
    subjects: ['ServiceAccount kube-system/cloud-provider'],
  },
  'kube-system/system:controller:token-cleaner': {
    role: 'system:controller:token-cleaner',
    subjects: ['ServiceAccount kube-system/token-cleaner'],
  },
}
