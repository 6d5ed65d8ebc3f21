/** The `scale` subresource: autoscaling/v1 Scale, a window onto the replicas of a workload. */
import { notFound } from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import type { Scale } from '../../api/types/kubernetes/autoscaling-v1.ts'
import type { ResourceDefinition } from '../resources/definition.ts'

export const scaleType = { kind: 'Scale', apiVersion: 'autoscaling/v1', schemaType: 'autoscaling/v1.Scale' } as const

const scaleOf = (definition: ResourceDefinition) => {
  if (!definition.scale) throw notFound({ group: definition.group, plural: definition.plural }, 'scale')
  return definition.scale
}

/** The Scale of a workload. Throws NotFound when the kind has none. */
export const showScale = (definition: ResourceDefinition, object: KubeObject): Scale => {
  const { replicas, observed, selector } = scaleOf(definition).view(object)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  return {
    kind: scaleType.kind,
    apiVersion: scaleType.apiVersion,
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas },
    status: { replicas: observed, selector },
  }
}

/** The workload with the replicas of a Scale; its resourceVersion, when given, becomes the precondition. */
export const withScale = (definition: ResourceDefinition, object: KubeObject, scale: Scale): KubeObject => {
  const scaled = scaleOf(definition).withReplicas(object, scale.spec.replicas ?? 0)
  return { ...scaled, metadata: { ...scaled.metadata, resourceVersion: scale.metadata.resourceVersion } }
}
