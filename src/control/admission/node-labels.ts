/** Which labels of its own Node a node may set: those that place no pods on it which an administrator wants elsewhere. */
import type { StringMap } from '../../api/types/index.ts'

/** The well-known labels that describe a machine, as kubelets set them. */
const descriptive = new Set([
  ...['kubernetes.io/hostname', 'kubernetes.io/os', 'kubernetes.io/arch', 'node.kubernetes.io/instance-type'],
  ...['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'],
  ...['failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region'],
  ...['beta.kubernetes.io/os', 'beta.kubernetes.io/arch', 'beta.kubernetes.io/instance-type'],
])

const isWithin = (domain: string, parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`)

const mayBeSet = (label: string): boolean => {
  const slash = label.indexOf('/')
  const domain = slash < 0 ? '' : label.slice(0, slash)
  if (isWithin(domain, 'node-restriction.kubernetes.io')) return false
  if (!isWithin(domain, 'kubernetes.io') && !isWithin(domain, 'k8s.io')) return true
  return descriptive.has(label) || isWithin(domain, 'kubelet.kubernetes.io') || isWithin(domain, 'node.kubernetes.io')
}

/** The labels that change, or come or go, and are not the node's to say. */
export const forbiddenLabels = (labels: StringMap = {}, old: StringMap = {}): readonly string[] =>
  [...new Set([...Object.keys(labels), ...Object.keys(old)])]
    .filter((label) => labels[label] !== old[label] && !mayBeSet(label))
    .sort()
