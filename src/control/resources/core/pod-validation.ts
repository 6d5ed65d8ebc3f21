/** What makes a pod unacceptable (core/v1 validation), with the field's path and Kubernetes' words. */

import { deepEqual } from '../../../api/deep-equal.ts'
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from '../../../api/errors.ts'
import { qualifiedNameErrors } from '../../../api/names.ts'
import type { Container, Pod, PodSpec, PodTemplateSpec, Toleration } from '../../../api/types/index.ts'
import type { Volume } from '../../../api/types/kubernetes/core-v1.ts'
import { parseAddress } from '../../../ip/address.ts'
import { validateLabels } from '../metadata.ts'
import { repeatedAt } from '../repeated.ts'
import { type Mountable, validateContainer, validateHostPorts, validateInitContainer } from './container-validation.ts'
import { validateEphemeralContainers } from './ephemeral-containers.ts'
import { validateResources } from './resource-names.ts'
import { validateAffinity, validateSpread, validateToleration } from './scheduling-validation.ts'
import { validatePodSecurity } from './security-validation.ts'
import { validateVolumes } from './volume-validation.ts'

const oneOf = (value: string | undefined, allowed: readonly string[], field: string): FieldError[] => {
  if (value === undefined || value === '') return [required(field)]
  return allowed.includes(value) ? [] : [notSupported(field, value, [...allowed].sort())]
}

const mostNameservers = 3
const mostSearches = 32
const mostSearchBytes = 2048

/** What the resolver of a pod's own programs takes. */
const validateDns = ({ dnsPolicy, dnsConfig }: PodSpec, field: string): FieldError[] => {
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {}
  if (dnsPolicy === 'None' && !dnsConfig) return [required(field, 'must provide `dnsConfig` when `dnsPolicy` is None')]
  if (dnsPolicy === 'None' && nameservers.length === 0)
    return [required(`${field}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')]
  return [
    ...(nameservers.length > mostNameservers
      ? [invalidValue(`${field}.nameservers`, nameservers, `must not have more than ${mostNameservers} nameservers`)]
      : []),
    ...(searches.length > mostSearches
      ? [invalidValue(`${field}.searches`, searches, `must not have more than ${mostSearches} search paths`)]
      : []),
    ...(searches.join(' ').length > mostSearchBytes
      ? [
          invalidValue(
            `${field}.searches`,
            searches,
            `must not have more than ${mostSearchBytes} characters (including spaces) in the search list`,
          ),
        ]
      : []),
    ...options.flatMap(({ name }, at) => (name ? [] : [required(`${field}.options[${at}]`, 'must not be empty')])),
  ]
}

/** Ports of a container on the host's network are the host's own. */
const validateHostNetwork = ({ containers, hostNetwork }: PodSpec, path: string): FieldError[] =>
  hostNetwork
    ? (containers ?? []).flatMap(({ ports = [] }, container) =>
        ports.flatMap(({ hostPort, containerPort }, at) =>
          hostPort === containerPort
            ? []
            : [
                invalidValue(
                  `${path}.containers[${container}].ports[${at}].containerPort`,
                  containerPort,
                  'must match `hostPort` when `hostNetwork` is true',
                ),
              ],
        ),
      )
    : []

const validateContainers = ({ containers = [] }: PodSpec, path: string, mountable: Mountable): FieldError[] =>
  containers.length === 0
    ? [required(path)]
    : [
        ...containers.flatMap((container, at) => validateContainer(container, `${path}[${at}]`, mountable)),
        ...repeatedAt(containers.map(({ name = '' }) => name)).map((at) =>
          duplicate(`${path}[${at}].name`, containers[at]?.name ?? ''),
        ),
        ...validateHostPorts(containers, path),
      ]

/** They run one after another, so each may have the ports of the one before. */
const validateInitContainers = (spec: PodSpec, path: string, mountable: Mountable): FieldError[] => {
  const { initContainers: init = [], containers = [] } = spec
  const names = [...containers, ...init].map(({ name = '' }) => name)
  return [
    ...init.flatMap((container, at) => [
      ...validateContainer(container, `${path}[${at}]`, mountable),
      ...validateInitContainer(container, `${path}[${at}]`),
      ...validateHostPorts([container], path),
    ]),
    ...repeatedAt(names)
      .map((at) => at - containers.length)
      .filter((at) => at >= 0)
      .map((at) => duplicate(`${path}[${at}].name`, init[at]?.name ?? '')),
  ]
}

const longestDeadline = 2 ** 31 - 1

const validateDeadline = (seconds: number | undefined, field: string): FieldError[] =>
  seconds === undefined || (seconds >= 1 && seconds <= longestDeadline)
    ? []
    : [invalidValue(field, seconds, `must be between 1 and ${longestDeadline}, inclusive`)]

/** What is said of a list of names that have to be there; their form is that of the field. */
const validateNamed = (spec: PodSpec, path: string): FieldError[] => [
  ...(spec.readinessGates ?? []).flatMap(({ conditionType }, at) =>
    conditionType
      ? []
      : [
          invalidValue(
            `${path}.readinessGates[${at}].conditionType`,
            conditionType ?? '',
            'name part must be non-empty',
          ),
        ],
  ),
  ...(spec.hostAliases ?? []).flatMap(({ ip }, at) =>
    ip ? [] : [invalidValue(`${path}.hostAliases[${at}].ip`, ip ?? '', 'must be a valid IP address')],
  ),
]

/** A pod's spec, alone or in a template at `path`. `claims`: more volumes that its containers may mount. */
export const validatePodSpec = (spec: PodSpec, path: string, claims: readonly string[] = []): FieldError[] => {
  const volumes = validateVolumes(spec.volumes ?? [], `${path}.volumes`)
  const mountable = { volumes: volumes.usable, claims: new Set(claims) }
  return [
    ...volumes.errors,
    ...validateContainers(spec, `${path}.containers`, mountable),
    ...validateInitContainers(spec, `${path}.initContainers`, mountable),
    ...validateEphemeralContainers(spec, `${path}.ephemeralContainers`, mountable),
    ...oneOf(spec.restartPolicy, ['Always', 'OnFailure', 'Never'], `${path}.restartPolicy`),
    ...oneOf(spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'], `${path}.dnsPolicy`),
    ...validateHostNetwork(spec, path),
    ...validatePodSecurity(spec, path),
    ...validateAffinity(spec.affinity, `${path}.affinity`),
    ...validateDns(spec, `${path}.dnsConfig`),
    ...validateNamed(spec, path),
    ...validateSpread(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`),
    ...validateDeadline(spec.activeDeadlineSeconds, `${path}.activeDeadlineSeconds`),
    ...(spec.tolerations ?? []).flatMap((toleration, at) =>
      validateToleration(toleration, `${path}.tolerations[${at}]`),
    ),
    ...(spec.overhead ? validateResources({ limits: spec.overhead }, `${path}.overhead`) : []),
  ]
}

/** A token is an account's. */
const validateTokens = (volumes: readonly Volume[], { serviceAccountName }: PodSpec): FieldError[] =>
  serviceAccountName
    ? []
    : volumes.flatMap(({ projected }, volume) =>
        (projected?.sources ?? []).flatMap(({ serviceAccountToken }, at) =>
          serviceAccountToken
            ? [
                forbiddenField(
                  `spec.volumes[${volume}].projected.sources[${at}].serviceAccountToken`,
                  'must not be specified when serviceAccountName is not set',
                ),
              ]
            : [],
        ),
      )

const withoutEphemeral = ({ ephemeralContainers = [] }: PodSpec, path: string, why: string): FieldError[] =>
  ephemeralContainers.length > 0 ? [forbiddenField(`${path}.ephemeralContainers`, why)] : []

const validatePodIPs = ({ status }: Pod): FieldError[] => {
  const ips = (status?.podIPs ?? []).map(({ ip }) => ip)
  const families = ips.flatMap((ip) => parseAddress(ip)?.family ?? [])
  return repeatedAt(families).length > 0
    ? [invalidValue('status.podIPs', ips, 'may specify no more than one IP for each IP family')]
    : []
}

/** Of a new pod: containers to debug one are for those that run. */
export const validateNewPod = ({ spec }: Pod): FieldError[] => withoutEphemeral(spec, 'spec', 'cannot be set on create')

export const validatePod = (pod: Pod): FieldError[] => [
  ...validatePodSpec(pod.spec, 'spec'),
  ...validateTokens(pod.spec.volumes ?? [], pod.spec),
  ...validatePodIPs(pod),
  // So Kubernetes names them.
  ...(pod.status?.conditions ?? []).flatMap(({ type }, at) =>
    type ? [] : [invalidValue(`metadata.conditions[${at}].Type`, type, qualifiedNameErrors('').join('; '))],
  ),
]

export const validatePodTemplate = (
  template: PodTemplateSpec,
  path: string,
  claims: readonly string[] = [],
): FieldError[] => [
  ...validateLabels(template.metadata?.labels, `${path}.labels`).map((error) => ({
    ...error,
    of: `${path}.metadata.labels`,
  })),
  ...validatePodSpec(template.spec, `${path}.spec`, claims),
  ...withoutEphemeral(template.spec, `${path}.spec`, 'ephemeral containers not allowed in pod template'),
]

const mayChange =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

const withoutImages = (containers: readonly Container[] | undefined) =>
  containers?.map((container) => ({ ...container, image: '' }))

/** The spec with what may be changed taken out. `nodeName` is set once, by a binding. */
const fixedPart = (spec: PodSpec) => ({
  ...spec,
  containers: withoutImages(spec.containers),
  initContainers: withoutImages(spec.initContainers),
  activeDeadlineSeconds: undefined,
  tolerations: undefined,
  schedulingGates: undefined,
})

/** Who holds a pod back lets it go, and nobody holds it back later. */
const validateGatesUpdate = (gates: PodSpec['schedulingGates'] = [], old: PodSpec['schedulingGates'] = []) =>
  gates.flatMap(({ name }, at) =>
    old.some((each) => each.name === name)
      ? []
      : [
          forbiddenField(
            `spec.schedulingGates[${at}].name`,
            `only deletion is allowed, but found new scheduling gate '${name}'`,
          ),
        ],
  )

const tolerationKey = ({ key, operator, value, effect, tolerationSeconds }: Toleration): string =>
  JSON.stringify([key, operator, value, effect, tolerationSeconds])

export const validatePodUpdate = (pod: Pod, old: Pod): FieldError[] => {
  const kept = new Set((pod.spec.tolerations ?? []).map(tolerationKey))
  const removed = (old.spec.tolerations ?? []).some((toleration) => !kept.has(tolerationKey(toleration)))
  const counts = ({ spec }: Pod) => [spec.containers.length, (spec.initContainers ?? []).length]
  const [now, before] = [counts(pod), counts(old)]
  if (now[0] !== before[0]) return [forbiddenField('spec.containers', 'pod updates may not add or remove containers')]
  if (now[1] !== before[1])
    return [forbiddenField('spec.initContainers', 'pod updates may not add or remove containers')]
  return [
    ...(removed
      ? [forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')]
      : []),
    ...validateGatesUpdate(pod.spec.schedulingGates, old.spec.schedulingGates),
    ...(deepEqual(fixedPart(pod.spec), fixedPart(old.spec)) ? [] : [forbiddenField('spec', mayChange)]),
  ]
}

/** A template whose pods `owner`, a kind, is to keep running for ever. */
export const validateRunningTemplate = (
  template: PodTemplateSpec,
  field: string,
  owner: string,
  claims: readonly string[] = [],
): FieldError[] => {
  const { restartPolicy, activeDeadlineSeconds } = template.spec
  return [
    ...validatePodTemplate(template, field, claims),
    ...(restartPolicy === 'Always' ? [] : [notSupported(`${field}.spec.restartPolicy`, restartPolicy, ['Always'])]),
    ...(activeDeadlineSeconds === undefined
      ? []
      : [forbiddenField(`${field}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${owner} is not Supported`)]),
  ]
}
