/** The pods of a Job as they are made. Pure. */
import { jobs } from '../../../api/resources.ts'
import type { Container } from '../../../api/types/index.ts'
import type { Job } from '../../../api/types/kubernetes/batch-v1.ts'
import { type PodDraft, podOf } from '../pod-control/workload.ts'
import type { JobPod } from './plan.ts'
import { failuresAnnotation, ignoredFailuresAnnotation, indexAnnotation, trackingFinalizer } from './pods.ts'

const indexVariable = 'JOB_COMPLETION_INDEX'

/** A container that has such a variable keeps its own. */
const withIndexVariable = (container: Container): Container => {
  const { env = [] } = container
  if (env.some(({ name }) => name === indexVariable)) return container
  const valueFrom = { fieldRef: { fieldPath: `metadata.annotations['${indexAnnotation}']` } }
  return { ...container, env: [...env, { name: indexVariable, valueFrom }] }
}

const longestPrefix = 57

export const jobPodOf = (job: Job, { index, failures, ignored }: JobPod): PodDraft => {
  const { template } = job.spec
  const draft = podOf(job, jobs, template)
  const { labels, annotations, finalizers = [] } = draft.metadata
  const metadata = { ...draft.metadata, finalizers: [...finalizers, trackingFinalizer] }
  if (index === undefined) return { ...draft, metadata }
  const { containers, initContainers } = draft.spec
  return {
    metadata: {
      ...metadata,
      generateName: `${`${job.metadata.name}-${index}`.slice(0, longestPrefix)}-`,
      labels: { ...labels, [indexAnnotation]: String(index) },
      annotations: {
        ...annotations,
        [indexAnnotation]: String(index),
        ...(failures === undefined ? {} : { [failuresAnnotation]: String(failures) }),
        ...(ignored ? { [ignoredFailuresAnnotation]: String(ignored) } : {}),
      },
    },
    spec: {
      ...draft.spec,
      hostname: `${job.metadata.name}-${index}`,
      containers: containers.map(withIndexVariable),
      ...(initContainers ? { initContainers: initContainers.map(withIndexVariable) } : {}),
    },
  }
}
