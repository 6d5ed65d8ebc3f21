/** In which `kubectl apply` notes what it was given. */
export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'
