/** Nodes show the pods that they run by themselves: what such a pod may be, in the words of Kubernetes. Pure. */
import { isMirrorPod, mirrorAnnotation } from '../../api/pods.ts'
import type { Node, OwnerReference, Pod } from '../../api/types/index.ts'
import { referencesOfPod } from '../authorization/references.ts'

const wrongOwner = (owner: OwnerReference | undefined, name: string, node: Node | undefined): string | undefined => {
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== name)
    return `node "${name}" can only create pods with an owner reference set to itself`
  if (!owner.controller) return `node "${name}" can only create pods with a controller owner reference set to itself`
  if (owner.blockOwnerDeletion) return `node "${name}" must not set blockOwnerDeletion on an owner reference`
  const uid = node?.metadata.uid ?? ''
  return owner.uid === uid ? undefined : `node "${name}" UID mismatch: expected ${owner.uid} got ${uid}`
}

const claims = ({ spec }: Pod): boolean =>
  (spec.volumes ?? []).some(({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim ?? ephemeral)

const reference = (pod: Pod): string | undefined => {
  const kinds = new Set(referencesOfPod(pod).map(({ kind }) => kind))
  if (kinds.has('serviceaccounts')) return 'a service account'
  if (kinds.has('secrets')) return 'secrets'
  if (kinds.has('configmaps')) return 'configmaps'
  return claims(pod) ? 'persistentvolumeclaims' : undefined
}

/** Why the node named `name` may not create the pod; undefined when it may. */
export const wrongNewPod = (pod: Pod, name: string, node: Node | undefined): string | undefined => {
  if (!isMirrorPod(pod))
    return `pod does not have "${mirrorAnnotation}" annotation, node "${name}" can only create mirror pods`
  if (pod.spec.nodeName !== name) return `node "${name}" can only create pods with spec.nodeName set to itself`
  const [owner, ...others] = pod.metadata.ownerReferences ?? []
  if (others.length > 0) return `node "${name}" can only create pods with a single owner reference set to itself`
  const wrong = wrongOwner(owner, name, node)
  if (wrong !== undefined) return wrong
  const what = reference(pod)
  return what === undefined ? undefined : `node "${name}" can not create pods that reference ${what}`
}
