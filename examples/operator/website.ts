/** The kind Website, as manifest.yaml defines it. */
import type { Condition, KubeObject, Resource } from 'podway/controller'

export interface WebsiteStatus {
  readonly observedGeneration?: number
  readonly readyReplicas?: number
  readonly conditions?: readonly Condition[]
}

export interface Website extends KubeObject {
  /** The server fills in what a Website leaves out. */
  readonly spec: { readonly image: string; readonly replicas: number; readonly port: number }
  readonly status?: WebsiteStatus
}

export const websites: Resource<Website> = {
  ...{ group: 'example.com', version: 'v1', plural: 'websites', kind: 'Website' },
  namespaced: true,
}
