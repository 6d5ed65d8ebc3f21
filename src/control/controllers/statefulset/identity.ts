/** The names, labels and claims of a StatefulSet's pods. Pure. */
import type { Draft } from '../../../api/client.ts'
import { statefulSets } from '../../../api/resources.ts'
import type { Pod, PodTemplateSpec, StringMap } from '../../../api/types/index.ts'
import type { StatefulSet } from '../../../api/types/kubernetes/apps-v1.ts'
import type { PersistentVolumeClaim } from '../../../api/types/kubernetes/core-v1.ts'
import { type PodDraft, podOf } from '../pod-control/workload.ts'
import { revisionLabel } from '../revisions/revision.ts'

const nameLabel = 'statefulset.kubernetes.io/pod-name'
const indexLabel = 'apps.kubernetes.io/pod-index'

export const podNameOf = ({ metadata }: StatefulSet, ordinal: number): string => `${metadata.name}-${ordinal}`

/** As a number of 32 bits may be. */
const highest = 2 ** 31 - 1

/** Undefined for a pod whose name the set has not given. */
export const ordinalOf = ({ metadata }: StatefulSet, pod: Pod): number | undefined => {
  const [, parent, digits = ''] = /^(.*)-(0|[1-9]\d{0,9})$/.exec(pod.metadata.name) ?? []
  return parent === metadata.name && Number(digits) <= highest ? Number(digits) : undefined
}

export const claimNameOf = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string =>
  `${template.metadata.name}-${podNameOf(set, ordinal)}`

/** The labels by which a pod is found under its name. */
export const identityLabels = (set: StatefulSet, ordinal: number): StringMap => ({
  [nameLabel]: podNameOf(set, ordinal),
  [indexLabel]: String(ordinal),
})

/** The claims of one pod, not owned by anybody yet. */
export const claimsOf = (set: StatefulSet, ordinal: number): readonly Draft<PersistentVolumeClaim>[] =>
  (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const { labels, annotations } = template.metadata
    return {
      metadata: {
        ...{ name: claimNameOf(set, template, ordinal), namespace: set.metadata.namespace ?? '' },
        labels: { ...labels, ...set.spec.selector?.matchLabels },
        ...(annotations ? { annotations } : {}),
      },
      spec: template.spec,
      status: {},
    }
  })

/** A template's volume of a claim's name gives way to the claim. */
const volumesOf = (
  set: StatefulSet,
  { spec }: PodTemplateSpec,
  ordinal: number,
): readonly { readonly name: string }[] => {
  const claims = (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    name: template.metadata.name,
    persistentVolumeClaim: { claimName: claimNameOf(set, template, ordinal) },
  }))
  return [...(spec.volumes ?? []).filter(({ name }) => !claims.some((claim) => claim.name === name)), ...claims]
}

/** The pod of this ordinal, of a template and the revision whose it is. */
export const memberOf = (set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): PodDraft => {
  const name = podNameOf(set, ordinal)
  const volumes = volumesOf(set, template, ordinal)
  const labels = { ...template.metadata?.labels, ...identityLabels(set, ordinal), [revisionLabel]: revision }
  const { generateName: _, ...metadata } = podOf(set, statefulSets, template).metadata
  return {
    metadata: { ...metadata, name, labels },
    spec: {
      ...template.spec,
      ...{ hostname: name, subdomain: set.spec.serviceName },
      ...(volumes.length > 0 ? { volumes } : {}),
    },
  }
}
