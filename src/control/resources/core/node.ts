import { deepEqual } from '../../../api/deep-equal.ts'
import { duplicate, type FieldError, forbiddenField, invalidValue, required } from '../../../api/errors.ts'
import { checkLabelValue, checkQualifiedName } from '../../../api/names.ts'
import type { Node } from '../../../api/types/index.ts'
import { familyOf, parseAddress } from '../../../ip/address.ts'
import { parseCidr } from '../../../ip/cidr.ts'
import { ageColumn, column, list, nameColumn, wide } from '../columns.ts'
import { define } from '../definition.ts'
import { ipMessage } from '../formats/formats.ts'
import { ifWrong, subdomainName } from '../names.ts'
import { repeatedAt } from '../repeated.ts'
import { proxyVerbs } from '../verbs.ts'
import { validateTaintEffect } from './scheduling-validation.ts'

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

/** Kubernetes names the taints as if they were metadata. */
const validateTaints = ({ spec }: Node): FieldError[] => {
  const taints = spec?.taints ?? []
  const field = 'metadata.taints'
  return [
    ...taints.flatMap(({ key = '', value = '', effect }, at) => [
      ...ifWrong(checkQualifiedName(key), `${field}[${at}].key`, key),
      ...ifWrong(checkLabelValue(value), `${field}[${at}].value`, value),
      ...(effect ? validateTaintEffect(effect, `${field}[${at}].effect`) : [required(`${field}[${at}].effect`)]),
    ]),
    ...repeatedAt(taints.map(({ key, effect }) => `${key} ${effect}`)).map((at) =>
      duplicate(`${field}[${at}]`, taints[at]),
    ),
  ]
}

const validateNetworks = ({ spec }: Node): FieldError[] => {
  const { podCIDR, podCIDRs = [] } = spec ?? {}
  const families = podCIDRs.filter((cidr) => parseCidr(cidr)).map(familyOf)
  return [
    ...(repeatedAt(families).length > 0
      ? [invalidValue('spec.podCIDRs', podCIDRs, 'may specify no more than one CIDR for each IP family')]
      : []),
    ...(podCIDRs.length > 0 && podCIDR !== podCIDRs[0]
      ? [invalidValue('spec.podCIDRs[0]', podCIDRs[0], 'must match `podCIDR`')]
      : []),
  ]
}

const validateAddresses = ({ status }: Node): FieldError[] =>
  (status?.addresses ?? []).flatMap(({ type, address }, at) =>
    (type === 'InternalIP' || type === 'ExternalIP') && !parseAddress(address ?? '')
      ? [invalidValue(`status.addresses[${at}].address`, address, ipMessage)]
      : [],
  )

const validate = (node: Node): FieldError[] => [
  ...validateTaints(node),
  ...validateNetworks(node),
  ...validateAddresses(node),
]

/** Addresses are given to a node once. */
const validateUpdate = (node: Node, old: Node): FieldError[] =>
  old.spec?.podCIDRs?.length && !deepEqual(node.spec?.podCIDRs, old.spec.podCIDRs)
    ? [forbiddenField('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid')]
    : []

/** What a node has is all for pods, unless it says otherwise. */
const withDefaults = (node: Node): Node => {
  const joined = joinPodCIDRs(node)
  const { allocatable, capacity } = node.status ?? {}
  return capacity && !allocatable ? { ...joined, status: { ...node.status, allocatable: capacity } } : joined
}

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
  subresources: [{ name: 'proxy', kind: 'NodeProxyOptions', verbs: proxyVerbs }],
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
  defaults: withDefaults,
  validate,
  validateUpdate,
})
