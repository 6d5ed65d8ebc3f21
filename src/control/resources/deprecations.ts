/**
 * Versions that Kubernetes gave up: who still asks for one is told so, in its words, as the next server that they meet may not
 * have it.
 */

interface Deprecation {
  readonly kinds: readonly string[]
  /** The minor release of Kubernetes since which it was to be avoided, and the one that had it no more. */
  readonly since: number
  readonly gone: number
  /** What to use. */
  readonly use: string
}

const reviews = ['LocalSubjectAccessReview', 'SelfSubjectAccessReview', 'SelfSubjectRulesReview', 'SubjectAccessReview']
const ofStorage = ['CSIDriver', 'CSINode', 'StorageClass', 'VolumeAttachment']
const roles = ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding']
const webhooks = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']
const autoscalers = ['HorizontalPodAutoscaler']

/** By group and version. */
const deprecations: Readonly<Record<string, readonly Deprecation[]>> = {
  'admissionregistration.k8s.io/v1beta1': [
    { kinds: webhooks, since: 16, gone: 22, use: 'admissionregistration.k8s.io/v1' },
  ],
  'apiextensions.k8s.io/v1beta1': [
    { kinds: ['CustomResourceDefinition'], since: 16, gone: 22, use: 'apiextensions.k8s.io/v1' },
  ],
  'apiregistration.k8s.io/v1beta1': [{ kinds: ['APIService'], since: 19, gone: 22, use: 'apiregistration.k8s.io/v1' }],
  'authentication.k8s.io/v1beta1': [{ kinds: ['TokenReview'], since: 19, gone: 22, use: 'authentication.k8s.io/v1' }],
  'authorization.k8s.io/v1beta1': [{ kinds: reviews, since: 19, gone: 22, use: 'authorization.k8s.io/v1' }],
  'autoscaling/v2beta1': [{ kinds: autoscalers, since: 22, gone: 25, use: 'autoscaling/v2' }],
  'autoscaling/v2beta2': [{ kinds: autoscalers, since: 23, gone: 26, use: 'autoscaling/v2' }],
  'batch/v1beta1': [{ kinds: ['CronJob'], since: 21, gone: 25, use: 'batch/v1' }],
  'certificates.k8s.io/v1beta1': [
    { kinds: ['CertificateSigningRequest'], since: 19, gone: 22, use: 'certificates.k8s.io/v1' },
  ],
  'coordination.k8s.io/v1beta1': [{ kinds: ['Lease'], since: 19, gone: 22, use: 'coordination.k8s.io/v1' }],
  'discovery.k8s.io/v1beta1': [{ kinds: ['EndpointSlice'], since: 21, gone: 25, use: 'discovery.k8s.io/v1' }],
  'events.k8s.io/v1beta1': [{ kinds: ['Event'], since: 22, gone: 25, use: 'events.k8s.io/v1' }],
  'extensions/v1beta1': [{ kinds: ['Ingress'], since: 14, gone: 22, use: 'networking.k8s.io/v1' }],
  'networking.k8s.io/v1beta1': [
    { kinds: ['Ingress', 'IngressClass'], since: 19, gone: 22, use: 'networking.k8s.io/v1' },
  ],
  'node.k8s.io/v1beta1': [{ kinds: ['RuntimeClass'], since: 22, gone: 25, use: 'node.k8s.io/v1' }],
  'policy/v1beta1': [{ kinds: ['PodDisruptionBudget'], since: 21, gone: 25, use: 'policy/v1' }],
  'rbac.authorization.k8s.io/v1beta1': [{ kinds: roles, since: 17, gone: 22, use: 'rbac.authorization.k8s.io/v1' }],
  'scheduling.k8s.io/v1beta1': [{ kinds: ['PriorityClass'], since: 14, gone: 22, use: 'scheduling.k8s.io/v1' }],
  'storage.k8s.io/v1beta1': [
    { kinds: ofStorage, since: 19, gone: 22, use: 'storage.k8s.io/v1' },
    { kinds: ['CSIStorageCapacity'], since: 24, gone: 27, use: 'storage.k8s.io/v1' },
  ],
}

/** Undefined for a kind that is in no such version. */
export const deprecationOf = (apiVersion: string, kind: string): string | undefined => {
  const all = Object.hasOwn(deprecations, apiVersion) ? (deprecations[apiVersion] ?? []) : []
  const found = all.find(({ kinds }) => kinds.includes(kind))
  if (!found) return undefined
  const { since, gone, use } = found
  return `${apiVersion} ${kind} is deprecated in v1.${since}+, unavailable in v1.${gone}+; use ${use} ${kind}`
}
