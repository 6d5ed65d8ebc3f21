import { type FieldError, forbiddenField } from '../../api/errors.ts'
import type { Node } from '../../api/types/index.ts'
import { deepEqual } from '../deep-equal.ts'
import { ageColumn, column, list, nameColumn, wide } from './columns.ts'
import { define } from './definition.ts'
import { subdomainName } from './names.ts'

const roleLabel = 'node-role.kubernetes.io/'

const roles = ({ metadata }: Node): string =>
  list(
    Object.keys(metadata.labels ?? {})
      .filter((label) => label.startsWith(roleLabel) && label.length > roleLabel.length)
      .map((label) => label.slice(roleLabel.length))
      .sort(),
  )

const readiness = ({ spec, status }: Node): string => {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  const text = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown'
  return spec?.unschedulable ? `${text},SchedulingDisabled` : text
}

const addressOf = (node: Node, type: string): string =>
  node.status?.addresses?.find((address) => address.type === type)?.address ?? '<none>'

/** Addresses are given to a node once. */
const validateUpdate = (node: Node, old: Node): FieldError[] =>
  old.spec?.podCIDRs?.length && !deepEqual(node.spec?.podCIDRs, old.spec.podCIDRs)
    ? [forbiddenField('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid')]
    : []

/** `podCIDR` and the first of `podCIDRs` are the same. */
const joinPodCIDRs = (node: Node): Node => {
  const first = node.spec?.podCIDR || node.spec?.podCIDRs?.[0]
  if (!first) return { ...node, spec: node.spec ?? {} }
  const podCIDRs = node.spec?.podCIDRs?.length ? node.spec.podCIDRs : [first]
  return { ...node, spec: { ...node.spec, podCIDR: first, podCIDRs } }
}

export const node = define<Node>({
  group: '',
  version: 'v1',
  plural: 'nodes',
  singular: 'node',
  kind: 'Node',
  namespaced: false,
  shortNames: ['no'],
  nameRule: subdomainName,
  status: 'onCreate',
  fields: { 'spec.unschedulable': (n) => String(n.spec?.unschedulable ?? false) },
  columns: [
    nameColumn,
    column('Status', readiness, 'Whether the node answers and takes pods'),
    column('Roles', roles, 'What the node is for'),
    ageColumn,
    column('Version', (n) => n.status?.nodeInfo?.kubeletVersion ?? '', 'The version of its agent'),
    wide('Internal-IP', (n) => addressOf(n, 'InternalIP'), 'Its address among the nodes'),
    wide('External-IP', (n) => addressOf(n, 'ExternalIP'), 'Its address for others'),
    wide('OS-Image', (n) => n.status?.nodeInfo?.osImage || '<unknown>', 'Its operating system'),
    wide('Kernel-Version', (n) => n.status?.nodeInfo?.kernelVersion || '<unknown>', 'Its kernel'),
    wide('Container-Runtime', (n) => n.status?.nodeInfo?.containerRuntimeVersion || '<unknown>', 'What runs its pods'),
  ],
  defaults: joinPodCIDRs,
  validateUpdate,
})
