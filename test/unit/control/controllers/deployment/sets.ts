/** Deployments and their replica sets for tables. */
import type { Deployment, ReplicaSet } from '../../../../../src/api/types/index.ts'

const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas'
const maxAnnotation = 'deployment.kubernetes.io/max-replicas'

export const template = (image: string) => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image }] },
})

export const deployment = (
  replicas: number | undefined,
  spec: Partial<Deployment['spec']> = {},
  more: Partial<Deployment> = {},
): Deployment => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default', generation: 3 } },
  spec: {
    ...{ selector: { matchLabels: { app: 'web' } }, template: template('v2') },
    ...(replicas === undefined ? {} : { replicas }),
    ...spec,
  },
  ...more,
})

interface SetDraft {
  readonly available?: number
  /** For how many, and at most how many, it was sized. */
  readonly sizedFor?: readonly [number, number]
  readonly born?: string
  readonly image?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly status?: ReplicaSet['status']
}

export const set = (name: string, replicas: number, draft: SetDraft = {}): ReplicaSet => {
  const { available = replicas, sizedFor, born = '2026-01-01T00:00:00Z', image = 'v1', annotations, status } = draft
  return {
    ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet' },
    metadata: {
      ...{ name, namespace: 'default', creationTimestamp: born, generation: 1 },
      annotations: {
        ...(sizedFor ? { [desiredAnnotation]: String(sizedFor[0]), [maxAnnotation]: String(sizedFor[1]) } : {}),
        ...annotations,
      },
    },
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: template(image) },
    status: status ?? {
      ...{ replicas, readyReplicas: available, availableReplicas: available, observedGeneration: 1 },
    },
  }
}
