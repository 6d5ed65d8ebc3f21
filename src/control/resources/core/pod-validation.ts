/** What makes a pod unacceptable (core/v1 validation), with the field's path and Kubernetes' words. */

import { deepEqual } from '../../../api/deep-equal.ts'
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  notFoundValue,
  notSupported,
  required,
} from '../../../api/errors.ts'
import { parseQuantity } from '../../../api/quantity.ts'
import type {
  Container,
  ContainerPort,
  EnvVar,
  Handler,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ResourceRequirements,
  Toleration,
} from '../../../api/types/index.ts'
import { parseAddress } from '../../../ip/address.ts'
import { checkPortName, isPort, portRange } from '../names.ts'
import { atLeastZero, notNegativeMessage } from '../quantities.ts'
import { repeatedAt } from '../repeated.ts'

const protocols = ['SCTP', 'TCP', 'UDP']

const ifWrong = (message: string | undefined, field: string, value: unknown): FieldError[] =>
  message === undefined ? [] : [invalidValue(field, value, message)]

const oneOf = (value: string | undefined, allowed: readonly string[], field: string): FieldError[] => {
  if (value === undefined || value === '') return [required(field)]
  return allowed.includes(value) ? [] : [notSupported(field, value, [...allowed].sort())]
}

const repeated = (values: readonly (string | undefined)[], pathOf: (at: number) => string): FieldError[] =>
  repeatedAt(values).map((at) => duplicate(pathOf(at), values[at]))

const validatePort = (port: ContainerPort, field: string, hostNetwork: boolean): FieldError[] => [
  ...(port.name === undefined ? [] : ifWrong(checkPortName(port.name), `${field}.name`, port.name)),
  ...(isPort(port.containerPort) ? [] : [invalidValue(`${field}.containerPort`, port.containerPort, portRange)]),
  ...(port.hostPort === undefined || port.hostPort === 0 || isPort(port.hostPort)
    ? []
    : [invalidValue(`${field}.hostPort`, port.hostPort, portRange)]),
  ...(hostNetwork && port.hostPort !== port.containerPort
    ? [invalidValue(`${field}.containerPort`, port.containerPort, 'must match `hostPort` when `hostNetwork` is true')]
    : []),
  ...oneOf(port.protocol, protocols, `${field}.protocol`),
]

const validateEnv = (variable: EnvVar, field: string): FieldError[] => {
  if (!variable.name) return [required(`${field}.name`)]
  const sources = Object.values(variable.valueFrom ?? {}).filter((source) => source !== undefined)
  const from = `${field}.valueFrom`
  return [
    ...(variable.valueFrom && variable.value
      ? [invalidValue(from, '', 'may not be specified when `value` is not empty')]
      : []),
    ...(variable.valueFrom && sources.length === 0
      ? [
          invalidValue(
            from,
            '',
            'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `fileKeyRef` or `secretKeyRef`',
          ),
        ]
      : []),
    ...(sources.length > 1 ? [invalidValue(from, '', 'may not have more than one field specified at a time')] : []),
  ]
}

const validateProbePort = (port: string | number | undefined, field: string): FieldError[] =>
  typeof port === 'string'
    ? ifWrong(checkPortName(port), field, port)
    : port !== undefined && isPort(port)
      ? []
      : [invalidValue(field, port ?? 0, portRange)]

const validateHandler = (handler: Handler, field: string): FieldError[] => {
  const { exec, httpGet, tcpSocket } = handler
  const given = (['exec', 'httpGet', 'tcpSocket', 'sleep', 'grpc'] as const).filter(
    (name) => (handler as Readonly<Record<string, unknown>>)[name] !== undefined,
  )
  if (given.length === 0) return [required(field, 'must specify a handler type')]
  return [
    ...given.slice(1).map((name) => forbiddenField(`${field}.${name}`, 'may not specify more than 1 handler type')),
    ...(exec && (exec.command ?? []).length === 0 ? [required(`${field}.exec.command`)] : []),
    ...(httpGet ? [...validateProbePort(httpGet.port, `${field}.httpGet.port`)] : []),
    ...(tcpSocket ? validateProbePort(tcpSocket.port, `${field}.tcpSocket.port`) : []),
  ]
}

const probeNumbers = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold']

const validateProbe = (probe: Probe | undefined, field: string, onlyOnce: boolean): FieldError[] => {
  if (!probe) return []
  return [
    ...validateHandler(probe, field),
    ...probeNumbers.flatMap((name) =>
      atLeastZero((probe as Readonly<Record<string, unknown>>)[name] as number | undefined, `${field}.${name}`),
    ),
    ...(onlyOnce && probe.successThreshold !== 1
      ? [invalidValue(`${field}.successThreshold`, probe.successThreshold, 'must be 1')]
      : []),
  ]
}

const validateResources = (resources: ResourceRequirements | undefined, field: string): FieldError[] =>
  Object.entries(resources?.requests ?? {}).flatMap(([name, request]) => {
    const limit = resources?.limits?.[name]
    const wanted = parseQuantity(request)
    if (wanted !== undefined && wanted < 0n)
      return [invalidValue(`${field}.requests[${name}]`, request, notNegativeMessage)]
    const most = limit === undefined ? undefined : parseQuantity(limit)
    return wanted !== undefined && most !== undefined && wanted > most
      ? [
          invalidValue(
            `${field}.requests`,
            String(request),
            `must be less than or equal to ${name} limit of ${String(limit)}`,
          ),
        ]
      : []
  })

const validateContainer = (
  container: Container,
  field: string,
  { hostNetwork = false, volumes }: { readonly hostNetwork?: boolean; readonly volumes: ReadonlySet<string> },
): FieldError[] => {
  const ports = container.ports ?? []
  return [
    ...(container.name ? [] : [required(`${field}.name`)]),
    ...(container.image ? [] : [required(`${field}.image`)]),
    ...ports.flatMap((port, at) => validatePort(port, `${field}.ports[${at}]`, hostNetwork)),
    ...repeated(
      ports.map((port) => port.name),
      (at) => `${field}.ports[${at}].name`,
    ),
    ...(container.env ?? []).flatMap((variable, at) => validateEnv(variable, `${field}.env[${at}]`)),
    ...validateProbe(container.livenessProbe, `${field}.livenessProbe`, true),
    ...validateProbe(container.readinessProbe, `${field}.readinessProbe`, false),
    ...validateProbe(container.startupProbe, `${field}.startupProbe`, true),
    ...(['postStart', 'preStop'] as const).flatMap((hook) => {
      const handler = container.lifecycle?.[hook]
      return handler ? validateHandler(handler, `${field}.lifecycle.${hook}`) : []
    }),
    ...validateResources(container.resources, `${field}.resources`),
    ...(container.volumeMounts ?? []).flatMap(({ name, mountPath }, at) => [
      ...(volumes.has(name) ? [] : [notFoundValue(`${field}.volumeMounts[${at}].name`, name)]),
      ...(mountPath ? [] : [required(`${field}.volumeMounts[${at}].mountPath`)]),
    ]),
  ]
}

export const validateToleration = (toleration: Toleration, field: string): FieldError[] => [
  ...(!toleration.key && toleration.operator !== 'Exists'
    ? [
        invalidValue(
          `${field}.operator`,
          toleration.operator ?? '',
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      ]
    : []),
  ...(toleration.operator === 'Exists' && toleration.value
    ? [invalidValue(`${field}.operator`, toleration, "value must be empty when `operator` is 'Exists'")]
    : []),
  ...(toleration.tolerationSeconds !== undefined && toleration.effect !== 'NoExecute'
    ? [
        invalidValue(
          `${field}.effect`,
          toleration.effect ?? '',
          "effect must be 'NoExecute' when `tolerationSeconds` is set",
        ),
      ]
    : []),
]

const hostPortsOf = (spec: PodSpec): readonly string[] =>
  spec.containers.flatMap((container) =>
    (container.ports ?? [])
      .filter((port) => port.hostPort)
      .map((port) => `${port.protocol ?? 'TCP'}/${port.hostIP ?? ''}/${port.hostPort}`),
  )

const mostNameservers = 3
const mostSearches = 32
const mostSearchBytes = 2048

/** What the resolver of a pod's own programs takes. */
const validateDns = (config: PodSpec['dnsConfig'], field: string): FieldError[] => {
  const { nameservers = [], searches = [], options = [] } = config ?? {}
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

/** A pod's spec, alone or in a template at `path`. `claims`: more volumes that its containers may mount. */
export const validatePodSpec = (spec: PodSpec, path: string, claims: readonly string[] = []): FieldError[] => {
  const containers = spec.containers ?? []
  const init = spec.initContainers ?? []
  const volumes = (spec.volumes ?? []).map(({ name }) => name)
  const about = { hostNetwork: spec.hostNetwork ?? false, volumes: new Set([...volumes, ...claims]) }
  return [
    ...(containers.length === 0 ? [required(`${path}.containers`)] : []),
    ...((spec.ephemeralContainers ?? []).length > 0
      ? [forbiddenField(`${path}.ephemeralContainers`, 'cannot be set on create')]
      : []),
    ...containers.flatMap((container, at) => validateContainer(container, `${path}.containers[${at}]`, about)),
    ...init.flatMap((container, at) => validateContainer(container, `${path}.initContainers[${at}]`, about)),
    ...repeated(
      [...init, ...containers].map(({ name }) => name || undefined),
      (at) =>
        at < init.length ? `${path}.initContainers[${at}].name` : `${path}.containers[${at - init.length}].name`,
    ),
    ...repeated(hostPortsOf(spec), () => `${path}.containers[*].ports[*].hostPort`),
    ...oneOf(spec.restartPolicy, ['Always', 'OnFailure', 'Never'], `${path}.restartPolicy`),
    ...oneOf(spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'], `${path}.dnsPolicy`),
    ...(spec.dnsPolicy === 'None' && (spec.dnsConfig?.nameservers ?? []).length === 0
      ? [required(`${path}.dnsConfig.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')]
      : []),
    ...atLeastZero(spec.terminationGracePeriodSeconds, `${path}.terminationGracePeriodSeconds`),
    ...(spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds < 1
      ? [
          invalidValue(
            `${path}.activeDeadlineSeconds`,
            spec.activeDeadlineSeconds,
            'must be between 1 and 2147483647, inclusive',
          ),
        ]
      : []),
    ...repeated(volumes, (at) => `${path}.volumes[${at}].name`),
    ...volumes.flatMap((name, at) => (name ? [] : [required(`${path}.volumes[${at}].name`)])),
    ...validateDns(spec.dnsConfig, `${path}.dnsConfig`),
    ...(spec.tolerations ?? []).flatMap((toleration, at) =>
      validateToleration(toleration, `${path}.tolerations[${at}]`),
    ),
  ]
}

const validatePodIPs = ({ status }: Pod): FieldError[] => {
  const ips = (status?.podIPs ?? []).map(({ ip }) => ip)
  const families = ips.flatMap((ip) => parseAddress(ip)?.family ?? [])
  return repeatedAt(families).length > 0
    ? [invalidValue('status.podIPs', ips, 'may specify no more than one IP for each IP family')]
    : []
}

export const validatePod = (pod: Pod): FieldError[] => [...validatePodSpec(pod.spec, 'spec'), ...validatePodIPs(pod)]

export const validatePodTemplate = (
  template: PodTemplateSpec,
  path: string,
  claims: readonly string[] = [],
): FieldError[] => validatePodSpec(template.spec, `${path}.spec`, claims)

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
})

const tolerationKey = ({ key, operator, value, effect, tolerationSeconds }: Toleration): string =>
  JSON.stringify([key, operator, value, effect, tolerationSeconds])

export const validatePodUpdate = (pod: Pod, old: Pod): FieldError[] => {
  const kept = new Set((pod.spec.tolerations ?? []).map(tolerationKey))
  const removed = (old.spec.tolerations ?? []).some((toleration) => !kept.has(tolerationKey(toleration)))
  return [
    ...(removed
      ? [forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')]
      : []),
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
