/** The signers of a cluster's certificates, by the names that Kubernetes gives them, and what each of them signs. */
export const clientSigner = 'kubernetes.io/kube-apiserver-client'
export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet'
export const kubeletServingSigner = 'kubernetes.io/kubelet-serving'

// Key encipherment is of no use to these keys, but signers before Kubernetes 1.27 want all three.
export const kubeletClientUsages: readonly string[] = ['digital signature', 'key encipherment', 'client auth']
export const kubeletServingUsages: readonly string[] = ['digital signature', 'key encipherment', 'server auth']
