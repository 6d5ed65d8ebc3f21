/** The signers of a cluster's certificates, by the names that Kubernetes gives them, and what each of them signs. */
export const clientSigner = 'kubernetes.io/kube-apiserver-client'
export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet'
export const kubeletServingSigner = 'kubernetes.io/kubelet-serving'

export const kubeletClientUsages: readonly string[] = ['digital signature', 'client auth']
export const kubeletServingUsages: readonly string[] = ['digital signature', 'server auth']
