/** Of ServiceAccount tokens, a node may ask for those of its own pods only (a part of NodeRestriction). Pure. */
import type { Pod } from '../../api/types/index.ts'
import type { BoundObjectReference } from '../../api/types/kubernetes/authentication-v1.ts'

/** Why node `node` gets no token bound to `ref`; undefined when it does. `pod` is what is there under that name. */
export const wrongNodeToken = (
  node: string,
  ref: BoundObjectReference | undefined,
  pod: Pod | undefined,
): string | undefined => {
  if (ref?.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) return 'node requested token not bound to a pod'
  if (!ref.uid) return 'node requested token with a pod binding without a uid'
  if (ref.uid !== pod?.metadata.uid)
    return `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`
  return pod.spec.nodeName === node ? undefined : 'node requested token bound to a pod scheduled on a different node'
}
