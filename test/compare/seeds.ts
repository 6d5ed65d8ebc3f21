/**
 * What is asked of both servers: an object of each kind that is as full as it can be and still valid, beside the small one
 * of `support/valid-objects.ts`. Kinds in the versions that both servers have.
 */
import { servedDefinitions } from '../../src/control/registry/registry.ts'
import { apiVersionOf, type ResourceDefinition } from '../../src/control/resources/definition.ts'
import { validObject } from '../support/valid-objects.ts'
import type { Value } from './mutants.ts'

export interface Seed {
  /** `apps/v1 Deployment full` */
  readonly name: string
  /** Where it is created. */
  readonly path: string
  readonly object: { readonly [key: string]: Value }
}

const probe = (handler: object): object => ({
  ...handler,
  ...{ initialDelaySeconds: 1, timeoutSeconds: 2, periodSeconds: 3, successThreshold: 1, failureThreshold: 4 },
})

const container = {
  name: 'web',
  image: 'registry.example.com/web:1.0',
  command: ['/web'],
  args: ['--port', '80'],
  workingDir: '/srv',
  ports: [{ name: 'http', containerPort: 80, protocol: 'TCP' }],
  env: [
    { name: 'A', value: 'a' },
    { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'C', valueFrom: { configMapKeyRef: { name: 'config', key: 'c' } } },
    { name: 'D', valueFrom: { secretKeyRef: { name: 'secret', key: 'd', optional: true } } },
    { name: 'E', valueFrom: { resourceFieldRef: { containerName: 'web', resource: 'limits.cpu' } } },
  ],
  envFrom: [{ prefix: 'X_', configMapRef: { name: 'config' } }, { secretRef: { name: 'secret' } }],
  resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m', memory: '512Mi' } },
  volumeMounts: [
    { name: 'data', mountPath: '/data', readOnly: true },
    { name: 'config', mountPath: '/config', subPath: 'a' },
  ],
  livenessProbe: probe({ httpGet: { path: '/', port: 80, scheme: 'HTTP', httpHeaders: [{ name: 'A', value: 'b' }] } }),
  readinessProbe: probe({ tcpSocket: { port: 'http' } }),
  startupProbe: probe({ exec: { command: ['true'] } }),
  lifecycle: { postStart: { exec: { command: ['true'] } }, preStop: { httpGet: { port: 80 } } },
  imagePullPolicy: 'IfNotPresent',
  terminationMessagePath: '/dev/log',
  terminationMessagePolicy: 'File',
  securityContext: {
    ...{ runAsUser: 1000, runAsNonRoot: true, privileged: false, allowPrivilegeEscalation: false },
    ...{ readOnlyRootFilesystem: true, capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } },
  },
}

const labelSelector = {
  matchLabels: { app: 'a' },
  matchExpressions: [
    { key: 'tier', operator: 'In', values: ['web', 'api'] },
    { key: 'old', operator: 'DoesNotExist' },
  ],
}

const nodeTerm = {
  matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }],
  matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node1'] }],
}
const podTerm = { labelSelector, namespaces: ['default'], topologyKey: 'zone' }

const podSpec = {
  containers: [container],
  initContainers: [{ name: 'init', image: 'busybox', command: ['true'] }],
  volumes: [
    { name: 'data', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } },
    { name: 'config', configMap: { name: 'config', items: [{ key: 'a', path: 'a/b', mode: 256 }], defaultMode: 420 } },
    { name: 'secret', secret: { secretName: 'secret' } },
    { name: 'host', hostPath: { path: '/var/log', type: 'Directory' } },
    { name: 'claim', persistentVolumeClaim: { claimName: 'claim', readOnly: true } },
    { name: 'about', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
    { name: 'all', projected: { sources: [{ configMap: { name: 'a' } }, { serviceAccountToken: { path: 'token' } }] } },
    { name: 'nfs', nfs: { server: 'nfs.example.com', path: '/data' } },
    { name: 'csi', csi: { driver: 'csi.example.com', volumeAttributes: { a: 'b' } } },
  ],
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 5,
  dnsPolicy: 'None',
  dnsConfig: { nameservers: ['192.0.2.1'], searches: ['example.com'], options: [{ name: 'ndots', value: '2' }] },
  nodeSelector: { disk: 'ssd' },
  serviceAccountName: 'default',
  automountServiceAccountToken: false,
  hostAliases: [{ ip: '192.0.2.2', hostnames: ['a.example.com'] }],
  hostname: 'web',
  subdomain: 'webs',
  securityContext: {
    ...{ runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000, supplementalGroups: [3000], runAsNonRoot: true },
    sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }],
  },
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [nodeTerm] },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 7, preference: nodeTerm }],
    },
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [podTerm] },
    podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 7, podAffinityTerm: podTerm }] },
  },
  tolerations: [{ key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute', tolerationSeconds: 3 }],
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector }],
  readinessGates: [{ conditionType: 'example.com/ready' }],
  imagePullSecrets: [{ name: 'pull' }],
  schedulerName: 'mine',
  enableServiceLinks: true,
  shareProcessNamespace: true,
}

const template = { metadata: { labels: { app: 'a', tier: 'web' }, annotations: { a: 'b' } }, spec: podSpec }
/** Once in full, in a Pod, a Deployment and a CronJob, is enough. */
const smallPod = { containers: [{ name: 'c', image: 'busybox' }] }
const smallTemplate = { ...template, spec: smallPod }
const jobSpec = {
  ...{ parallelism: 2, completions: 3, activeDeadlineSeconds: 60, backoffLimit: 2 },
  template: { ...template, spec: { ...podSpec, restartPolicy: 'OnFailure' } },
}
const metrics = [
  { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
  { type: 'Pods', pods: { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '10' } } },
]
const peer = { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }
const tls = [{ hosts: ['a.example.com'], secretName: 'tls' }]

/** By `kind`, and by `apiVersion kind` where a version looks otherwise. */
const full: Readonly<Record<string, object>> = {
  ConfigMap: { data: { 'a.b': 'c' }, binaryData: { d: 'ZQ==' }, immutable: true },
  Secret: { type: 'kubernetes.io/basic-auth', data: { username: 'YQ==', password: 'Yg==' }, stringData: { more: 'c' } },
  Pod: { spec: podSpec },
  PodTemplate: { template: smallTemplate },
  ReplicationController: {
    spec: { replicas: 2, minReadySeconds: 1, selector: { app: 'a' }, template: smallTemplate },
  },
  Service: {
    spec: {
      ...{ type: 'LoadBalancer', selector: { app: 'a' }, externalTrafficPolicy: 'Local' },
      ...{ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 100 } } },
      ports: [
        { name: 'http', protocol: 'TCP', port: 80, targetPort: 'http', nodePort: 30_998 },
        { name: 'dns', protocol: 'TCP', port: 53, targetPort: 53, appProtocol: 'dns' },
      ],
      ...{ externalIPs: ['192.0.2.7'], loadBalancerSourceRanges: ['192.0.2.0/24'], publishNotReadyAddresses: true },
    },
  },
  Endpoints: {
    subsets: [
      {
        addresses: [{ ip: '10.1.0.2', hostname: 'a', nodeName: 'n', targetRef: { kind: 'Pod', name: 'a' } }],
        notReadyAddresses: [{ ip: '10.1.0.3' }],
        ports: [{ name: 'http', port: 80, protocol: 'TCP', appProtocol: 'http' }],
      },
    ],
  },
  Namespace: { spec: { finalizers: ['kubernetes'] } },
  Node: {
    spec: {
      ...{ podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'], providerID: 'a://b', unschedulable: true },
      taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }],
    },
    status: { capacity: { cpu: '4' }, addresses: [{ type: 'InternalIP', address: '192.0.2.9' }] },
  },
  LimitRange: {
    spec: {
      limits: [
        {
          type: 'Container',
          ...{ max: { cpu: '2' }, min: { cpu: '100m' }, default: { cpu: '1' }, defaultRequest: { cpu: '500m' } },
          maxLimitRequestRatio: { cpu: '2' },
        },
        { type: 'PersistentVolumeClaim', max: { storage: '2Gi' } },
      ],
    },
  },
  ResourceQuota: {
    spec: {
      hard: { pods: '4' },
      scopes: ['NotTerminating'],
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] },
    },
  },
  PersistentVolume: {
    spec: {
      ...{ capacity: { storage: '5Gi' }, accessModes: ['ReadWriteOnce', 'ReadOnlyMany'], volumeMode: 'Filesystem' },
      ...{ persistentVolumeReclaimPolicy: 'Retain', storageClassName: 'slow', mountOptions: ['hard'] },
      ...{ local: { path: '/mnt' }, nodeAffinity: { required: { nodeSelectorTerms: [nodeTerm] } } },
      claimRef: { namespace: 'default', name: 'claim' },
    },
  },
  PersistentVolumeClaim: {
    spec: {
      ...{ accessModes: ['ReadWriteMany'], volumeMode: 'Block', storageClassName: '', volumeName: 'pv' },
      ...{ selector: labelSelector, resources: { requests: { storage: '8Gi' } } },
    },
  },
  ServiceAccount: {
    ...{ secrets: [{ name: 'a' }], imagePullSecrets: [{ name: 'b' }], automountServiceAccountToken: false },
  },
  Deployment: {
    spec: {
      ...{ replicas: 3, minReadySeconds: 1, revisionHistoryLimit: 2, progressDeadlineSeconds: 60, paused: true },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: 1 } },
      selector: labelSelector,
      template,
    },
  },
  ReplicaSet: { spec: { replicas: 2, minReadySeconds: 1, selector: labelSelector, template: smallTemplate } },
  StatefulSet: {
    spec: {
      ...{ replicas: 2, serviceName: 'a', podManagementPolicy: 'Parallel', revisionHistoryLimit: 3 },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } },
      selector: labelSelector,
      template: smallTemplate,
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
    },
  },
  DaemonSet: {
    spec: {
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      ...{ minReadySeconds: 1, revisionHistoryLimit: 4, selector: labelSelector, template: smallTemplate },
    },
  },
  Job: {
    spec: { ...jobSpec, template: { spec: { ...smallPod, restartPolicy: 'Never' } }, ttlSecondsAfterFinished: 10 },
  },
  CronJob: {
    spec: {
      ...{ schedule: '*/5 * * * *', startingDeadlineSeconds: 10, concurrencyPolicy: 'Forbid', suspend: true },
      ...{ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 2, jobTemplate: { spec: jobSpec } },
    },
  },
  'autoscaling/v1 HorizontalPodAutoscaler': {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a' },
      ...{ minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 60 },
    },
  },
  'autoscaling/v2beta2 HorizontalPodAutoscaler': {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a' },
      ...{ minReplicas: 1, maxReplicas: 5, metrics },
      behavior: {
        scaleDown: {
          ...{ stabilizationWindowSeconds: 60, selectPolicy: 'Max' },
          policies: [{ type: 'Pods', value: 4, periodSeconds: 60 }],
        },
      },
    },
  },
  PodDisruptionBudget: { spec: { maxUnavailable: '50%', selector: labelSelector } },
  EndpointSlice: {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.0.2'], conditions: { ready: true }, hostname: 'a' }],
    ports: [{ name: 'http', port: 80, protocol: 'TCP', appProtocol: 'http' }],
  },
  'networking.k8s.io/v1 Ingress': {
    spec: {
      ingressClassName: 'mine',
      tls,
      defaultBackend: { service: { name: 'web', port: { name: 'http' } } },
      rules: [
        {
          host: '*.example.com',
          http: {
            paths: [{ path: '/a', pathType: 'Exact', backend: { service: { name: 'web', port: { number: 80 } } } }],
          },
        },
      ],
    },
  },
  'networking.k8s.io/v1beta1 Ingress': {
    spec: {
      tls,
      backend: { serviceName: 'web', servicePort: 'http' },
      rules: [
        { host: 'a.example.com', http: { paths: [{ path: '/a', backend: { serviceName: 'web', servicePort: 80 } }] } },
      ],
    },
  },
  IngressClass: {
    spec: { controller: 'example.com/c', parameters: { apiGroup: 'example.com', kind: 'Params', name: 'a' } },
  },
  NetworkPolicy: {
    spec: {
      podSelector: labelSelector,
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [peer, { podSelector: labelSelector }], ports: [{ protocol: 'UDP', port: 53 }] }],
      egress: [{ to: [{ namespaceSelector: { matchLabels: { team: 'a' } } }], ports: [{ port: 'http' }] }],
    },
  },
  Lease: {
    spec: {
      ...{ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 1 },
      ...{ acquireTime: '2020-01-02T03:04:05.000006Z', renewTime: '2020-01-02T03:04:05.000006Z' },
    },
  },
  Role: {
    rules: [{ apiGroups: ['', 'apps'], resources: ['pods', 'pods/log'], resourceNames: ['a'], verbs: ['get'] }],
  },
  ClusterRole: {
    aggregationRule: { clusterRoleSelectors: [labelSelector] },
    rules: [{ nonResourceURLs: ['/metrics/*'], verbs: ['get'] }],
  },
  RoleBinding: {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    subjects: [
      { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' },
      { kind: 'ServiceAccount', name: 'default', namespace: 'default' },
    ],
  },
  StorageClass: {
    ...{ provisioner: 'example.com/p', parameters: { a: 'b' }, reclaimPolicy: 'Retain', mountOptions: ['ro'] },
    ...{ allowVolumeExpansion: true, volumeBindingMode: 'WaitForFirstConsumer' },
    allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }],
  },
  CSIDriver: {
    spec: { attachRequired: true, podInfoOnMount: true, volumeLifecycleModes: ['Persistent', 'Ephemeral'] },
  },
  PriorityClass: { value: 1000, globalDefault: false, description: 'a', preemptionPolicy: 'Never' },
  RuntimeClass: {
    handler: 'runc',
    overhead: { podFixed: { cpu: '10m' } },
    scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'a', operator: 'Exists' }] },
  },
  ValidatingWebhookConfiguration: {
    webhooks: [
      {
        name: 'check.example.com',
        clientConfig: { service: { namespace: 'default', name: 'hook', path: '/check', port: 443 } },
        rules: [
          { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], scope: '*' },
        ],
        ...{ failurePolicy: 'Ignore', matchPolicy: 'Exact', sideEffects: 'None', timeoutSeconds: 5 },
        admissionReviewVersions: ['v1'],
        namespaceSelector: labelSelector,
      },
    ],
  },
}

const metadata = {
  labels: { app: 'a', 'example.com/tier': 'web' },
  annotations: { 'example.com/note': 'Any text.' },
  finalizers: ['example.com/hold'],
  ownerReferences: [
    { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: '00000000-0000-0000-0000-000000000001' },
  ],
}

const pathOf = (definition: ResourceDefinition): string => {
  const version = apiVersionOf(definition)
  const root = version.includes('/') ? `/apis/${version}` : `/api/${version}`
  return `${root}${definition.namespaced ? '/namespaces/default' : ''}/${definition.plural}`
}

/** The small and the full object of every row that can be created. */
export const seeds: readonly Seed[] = servedDefinitions
  .filter(({ verbs }) => verbs === undefined || (verbs.includes('create') && verbs.includes('get')))
  .flatMap((definition): readonly Seed[] => {
    const id = `${apiVersionOf(definition)} ${definition.kind}`
    const path = pathOf(definition)
    const rest = full[id] ?? full[definition.kind]
    const plain = validObject(definition, 'seed')
    const object = rest && { ...plain, ...rest, metadata: { ...plain.metadata, ...metadata } }
    return [
      // What is written as JSON is what is sent.
      { name: `${id} small`, path, object: JSON.parse(JSON.stringify(plain)) },
      ...(object ? [{ name: `${id} full`, path, object: JSON.parse(JSON.stringify(object)) }] : []),
    ]
  })

export const nameOf = ({ object: { metadata } }: Seed): string =>
  typeof metadata === 'object' && metadata !== null && 'name' in metadata ? String(metadata.name) : ''
