/** One acceptable object of each kind, small: what a test changes one field of. */
import type { ResourceDefinition } from '../../src/control/resources/definition.ts'

const podSpec = { containers: [{ name: 'c', image: 'busybox' }] }
const workload = {
  selector: { matchLabels: { app: 'a' } },
  template: { metadata: { labels: { app: 'a' } }, spec: podSpec },
}
const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
const jobSpec = { template: { spec: { ...podSpec, restartPolicy: 'Never' } } }
const backend = { service: { name: 'web', port: { number: 80 } } }

/** Of `CN=jane`, signed by a key that nobody has. */
export const certificateRequest = `-----BEGIN CERTIFICATE REQUEST-----
MIHKMHECAQAwDzENMAsGA1UEAwwEamFuZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABCfNAVDrChkSVFou7ok3MludgMSOxOVXBnRfjW54zdJZPc4Dj2wqwGk6G2EG
/Mk8VQsE1OuONt/IbTjpUhy8cb6gADAKBggqhkjOPQQDAgNJADBGAiEA8r9afmBJ
svwqn2cfqNvP7W0qxFIb9t31pX0IdxsRfkICIQD5QLEEBQPwYdtX8s1rNYkomYZP
dRJstoZ55/ZS1GYpfw==
-----END CERTIFICATE REQUEST-----
`

const contents: Readonly<Record<string, object>> = {
  ConfigMap: { data: { key: 'value' } },
  CertificateSigningRequest: {
    spec: {
      request: Buffer.from(certificateRequest).toString('base64'),
      ...{ signerName: 'example.com/signer', usages: ['client auth'] },
    },
  },
  Endpoints: { subsets: [{ addresses: [{ ip: '10.1.0.2' }], ports: [{ port: 80 }] }] },
  Event: { involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' }, reason: 'Started', type: 'Normal' },
  LimitRange: { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } },
  APIService: {
    metadata: { name: 'v1.example.com' },
    spec: {
      ...{ group: 'example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 10 },
      service: { namespace: 'default', name: 'api' },
    },
  },
  CustomResourceDefinition: {
    metadata: { name: 'tables.example.com' },
    spec: {
      ...{ group: 'example.com', scope: 'Namespaced', names: { plural: 'tables', kind: 'Table' } },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  },
  Namespace: {},
  PersistentVolume: {
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/data' } },
  },
  PersistentVolumeClaim: { spec: claimSpec },
  PodTemplate: { template: workload.template },
  ReplicationController: { spec: { selector: { app: 'a' }, template: workload.template } },
  ResourceQuota: { spec: { hard: { pods: '10' } } },
  ServiceAccount: {},
  Node: {},
  Pod: { spec: podSpec },
  Secret: { data: { key: 'dmFsdWU=' } },
  Service: { spec: { ports: [{ port: 80 }], selector: { app: 'a' } } },
  Deployment: { spec: workload },
  ReplicaSet: { spec: workload },
  StatefulSet: {
    spec: { ...workload, serviceName: 'a', volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claimSpec }] },
  },
  DaemonSet: { spec: workload },
  ControllerRevision: { data: { spec: {} }, revision: 1 },
  PodDisruptionBudget: { spec: { minAvailable: 1, selector: { matchLabels: { app: 'a' } } } },
  Job: { spec: jobSpec },
  CronJob: { spec: { schedule: '5 * * * *', jobTemplate: { spec: jobSpec } } },
  HorizontalPodAutoscaler: { spec: { scaleTargetRef: { kind: 'Deployment', name: 'a' }, maxReplicas: 3 } },
  Lease: { spec: { holderIdentity: 'n' } },
  EndpointSlice: { addressType: 'IPv4', endpoints: [{ addresses: ['10.1.0.2'] }], ports: [{ port: 80 }] },
  Ingress: { spec: { rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] } },
  IngressClass: { spec: { controller: 'example.com/c' } },
  NetworkPolicy: { spec: { podSelector: {} } },
  ServiceCIDR: { spec: { cidrs: ['10.99.0.0/24'] } },
  IPAddress: { spec: { parentRef: { resource: 'services', namespace: 'default', name: 'a' } } },
  StorageClass: { provisioner: 'example.com/p' },
  CSIDriver: { spec: {} },
  CSINode: { spec: { drivers: [{ name: 'csi.example.com', nodeID: 'n' }] } },
  CSIStorageCapacity: { storageClassName: 'fast', capacity: '1Gi' },
  VolumeAttachment: { spec: { attacher: 'csi.example.com', nodeName: 'n', source: { persistentVolumeName: 'pv' } } },
  PriorityClass: { value: 7 },
  RuntimeClass: { handler: 'runc' },
  Role: { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  ClusterRole: { rules: [{ nonResourceURLs: ['/healthz'], verbs: ['get'] }] },
  RoleBinding: { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'User', name: 'jane' }] },
  ClusterRoleBinding: { roleRef: { kind: 'ClusterRole', name: 'system:r' }, subjects: [{ kind: 'Group', name: 'g' }] },
  MutatingWebhookConfiguration: {},
  ValidatingWebhookConfiguration: {},
  ValidatingAdmissionPolicy: {
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nosuch'] }],
      },
      validations: [{ expression: 'true' }],
    },
  },
  ValidatingAdmissionPolicyBinding: { spec: { policyName: 'p', validationActions: ['Deny'] } },
}

/** Throws for a kind that has none: add one above. */
export const validObject = ({ kind, group, version, namespaced }: ResourceDefinition, name: string) => {
  const content = contents[kind]
  if (!content) throw new Error(`no acceptable ${kind} is known`)
  return {
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind,
    metadata: { name: kind === 'IPAddress' ? '10.99.0.7' : name, ...(namespaced ? { namespace: 'default' } : {}) },
    ...content,
  }
}
