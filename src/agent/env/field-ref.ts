/** What a pod may learn about itself through `fieldRef` and `resourceFieldRef`. */
import { quantityMilli, quantityValue } from '../../api/quantity.ts'
import type { Container, Pod, StringMap } from '../../api/types/index.ts'

/** What only the node knows. */
export interface NodeFacts {
  readonly podIPs: readonly string[]
  readonly hostIPs: readonly string[]
  /** What the node can give to pods: where a container has no limit, that is its limit. */
  readonly allocatable: StringMap
}

const subscript = (values: StringMap | undefined, key: string): string => values?.[key] ?? ''

/** The value of a field path of the downward API; undefined for a path that is not offered to environment variables. */
export const fieldValue = (pod: Pod, facts: NodeFacts, path: string): string | undefined => {
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (keyed) return subscript(pod.metadata[keyed[1] === 'labels' ? 'labels' : 'annotations'], keyed[2] ?? '')
  const fields: StringMap = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace ?? '',
    'metadata.uid': pod.metadata.uid ?? '',
    'spec.nodeName': pod.spec.nodeName ?? '',
    'spec.serviceAccountName': pod.spec.serviceAccountName ?? '',
    'status.podIP': facts.podIPs[0] ?? '',
    'status.podIPs': facts.podIPs.join(','),
    'status.hostIP': facts.hostIPs[0] ?? '',
    'status.hostIPs': facts.hostIPs.join(','),
  }
  return Object.hasOwn(fields, path) ? fields[path] : undefined
}

/**
 * `limits.cpu`, `requests.memory`, … in units of `divisor`, rounded up. A limit that is not set is what the node can give;
 * a request that is not set is the limit that is. Undefined for a resource that is not offered.
 */
export const resourceValue = (
  container: Container,
  facts: NodeFacts,
  resource: string,
  divisor: string | number = '1',
): string | undefined => {
  const found = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(resource)
  if (!found) return undefined
  const [, kind, name = ''] = found
  const { limits = {}, requests = {} } = container.resources ?? {}
  const quantity =
    kind === 'limits' ? (limits[name] ?? facts.allocatable[name]) : (requests[name] ?? limits[name] ?? '0')
  // Without a unit of its own a divisor of 0 stands for 1.
  const unit = quantityMilli(divisor) === 0 ? '1' : divisor
  const amount =
    name === 'cpu' ? quantityMilli(quantity) / quantityMilli(unit) : quantityValue(quantity) / quantityValue(unit)
  return String(Math.ceil(amount))
}
