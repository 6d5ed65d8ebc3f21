/** The Kubernetes release whose API this follows; clients choose features by it. */
export const kubernetesMinor = '33'

/** The version of servers and agents as clients of Kubernetes parse it: `v1.33.0+podway.0.1.0`, semantic with a leading v. */
export const kubernetesVersion = (podwayVersion: string): string => `v1.${kubernetesMinor}.0+podway.${podwayVersion}`
