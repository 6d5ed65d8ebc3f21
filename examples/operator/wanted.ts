/** What a Website comes to: pure, so that a table of cases says all of it. */
import { controllerReference, type Deployment, type Draft, type Service } from 'podway/controller'
import { type Website, type WebsiteStatus, websites } from './website.ts'

const labelsOf = ({ metadata }: Website) => ({ 'example.com/website': metadata.name })

/** The garbage collector removes what names a Website as its owner when the Website goes. */
const metadataOf = (website: Website) => ({
  name: website.metadata.name,
  namespace: website.metadata.namespace,
  labels: labelsOf(website),
  ownerReferences: [controllerReference(website, websites)],
})

export const deploymentOf = (website: Website): Draft<Deployment> => ({
  metadata: metadataOf(website),
  spec: {
    replicas: website.spec.replicas,
    selector: { matchLabels: labelsOf(website) },
    template: {
      metadata: { labels: labelsOf(website) },
      spec: {
        containers: [{ name: 'website', image: website.spec.image, ports: [{ containerPort: website.spec.port }] }],
      },
    },
  },
})

export const serviceOf = (website: Website): Draft<Service> => ({
  metadata: metadataOf(website),
  spec: { selector: labelsOf(website), ports: [{ port: 80, targetPort: website.spec.port }] },
})

interface Observed {
  readonly deployment: Deployment | undefined
  /** Why it could not be brought in line. */
  readonly problem: string | undefined
}

const readiness = (replicas: number, { deployment, problem }: Observed) => {
  const ready = deployment?.status?.readyReplicas ?? 0
  if (problem !== undefined) return { status: 'False', reason: 'FailedSync', message: problem } as const
  const message = `${ready} of ${replicas} pods are ready`
  if (!deployment || ready < replicas) return { status: 'False', reason: 'PodsNotReady', message } as const
  return { status: 'True', reason: 'PodsReady', message } as const
}

/** `now` is RFC 3339; a condition keeps its time for as long as it stays true or false. */
export const statusOf = (website: Website, observed: Observed, now: string): WebsiteStatus => {
  const { generation: observedGeneration } = website.metadata
  const before = website.status?.conditions?.find(({ type }) => type === 'Ready')
  const condition = readiness(website.spec.replicas, observed)
  const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : now
  return {
    observedGeneration,
    readyReplicas: observed.deployment?.status?.readyReplicas ?? 0,
    conditions: [{ type: 'Ready', ...condition, observedGeneration, lastTransitionTime }],
  }
}
