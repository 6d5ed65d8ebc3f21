/** What makes a container unacceptable, with the field's path and Kubernetes' words. */

import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  notFoundValue,
  notSupported,
  required,
} from '../../../api/errors.ts'
import { checkSubdomain } from '../../../api/names.ts'
import type {
  ConfigMapKeySelector,
  Container,
  ContainerPort,
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  Handler,
  Probe,
} from '../../../api/types/index.ts'
import type { Volume } from '../../../api/types/kubernetes/core-v1.ts'
import { checkConfigKey, checkEnvName, checkPortName, ifWrong, isPort, portRange } from '../names.ts'
import { atLeastZero } from '../quantities.ts'
import { repeatedAt } from '../repeated.ts'
import { validateResources } from './resource-names.ts'
import { validateContainerSecurity } from './security-validation.ts'
import { validateDescendingPath, validateFieldRef, validateResourceRef } from './volume-validation.ts'

const protocols = ['SCTP', 'TCP', 'UDP']

const validatePort = (port: ContainerPort, field: string): FieldError[] => {
  const { name, containerPort, hostPort, protocol } = port
  return [
    ...(name ? ifWrong(checkPortName(name), `${field}.name`, name) : []),
    ...(containerPort ? [] : [required(`${field}.containerPort`)]),
    ...(!containerPort || isPort(containerPort)
      ? []
      : [invalidValue(`${field}.containerPort`, containerPort, portRange)]),
    ...(!hostPort || isPort(hostPort) ? [] : [invalidValue(`${field}.hostPort`, hostPort, portRange)]),
    ...(protocol ? [] : [required(`${field}.protocol`)]),
    ...(!protocol || protocols.includes(protocol) ? [] : [notSupported(`${field}.protocol`, protocol, protocols)]),
  ]
}

const validatePorts = (ports: readonly ContainerPort[], field: string): FieldError[] => [
  ...ports.flatMap((port, at) => validatePort(port, `${field}[${at}]`)),
  ...repeatedAt(ports.map(({ name }) => (name && checkPortName(name) === undefined ? name : undefined))).map((at) =>
    duplicate(`${field}[${at}].name`, ports[at]?.name),
  ),
]

/** A ConfigMap's or Secret's. */
const validateKeyRef = ({ name = '', key = '' }: ConfigMapKeySelector, field: string): FieldError[] => [
  ...ifWrong(checkSubdomain(name), `${field}.name`, name),
  ...(key === '' ? [required(`${field}.key`)] : ifWrong(checkConfigKey(key), `${field}.key`, key)),
]

const envFields = [
  ...['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName'],
  ...['status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs'],
]

const validateEnvSource = (source: EnvVarSource, value: string | undefined, field: string): FieldError[] => {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source
  const count = Object.values(source).filter((each) => each !== undefined).length
  return [
    ...(fieldRef ? validateFieldRef(fieldRef, envFields, `${field}.fieldRef`) : []),
    ...(resourceFieldRef ? validateResourceRef(resourceFieldRef, 'env', `${field}.resourceFieldRef`) : []),
    ...(configMapKeyRef ? validateKeyRef(configMapKeyRef, `${field}.configMapKeyRef`) : []),
    ...(secretKeyRef ? validateKeyRef(secretKeyRef, `${field}.secretKeyRef`) : []),
    ...(count === 0
      ? [
          invalidValue(
            field,
            '',
            'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `fileKeyRef` or `secretKeyRef`',
          ),
        ]
      : []),
    ...(count > 0 && value ? [invalidValue(field, '', 'may not be specified when `value` is not empty')] : []),
    ...(count > 1 && !value ? [invalidValue(field, '', 'may not have more than one field specified at a time')] : []),
  ]
}

const validateEnv = ({ name, value, valueFrom }: EnvVar, field: string): FieldError[] => [
  ...(name ? ifWrong(checkEnvName(name), `${field}.name`, name) : [required(`${field}.name`)]),
  ...(valueFrom ? validateEnvSource(valueFrom, value, `${field}.valueFrom`) : []),
]

/** How many sources there are is said of the list. */
const validateEnvFrom = (sources: readonly EnvFromSource[], field: string): FieldError[] =>
  sources.flatMap(({ prefix, configMapRef, secretRef }, at) => {
    const named = Object.entries({ configMapRef, secretRef }).flatMap(([type, source]) => {
      const path = `${field}[${at}].${type}.name`
      if (!source) return []
      return source.name ? ifWrong(checkSubdomain(source.name), path, source.name) : [required(path)]
    })
    return [
      ...(prefix ? ifWrong(checkEnvName(prefix), `${field}[${at}].prefix`, prefix) : []),
      ...named,
      ...(configMapRef || secretRef
        ? []
        : [invalidValue(field, '', 'must specify one of: `configMapRef` or `secretRef`')]),
      ...(configMapRef && secretRef
        ? [invalidValue(field, '', 'may not have more than one field specified at a time')]
        : []),
    ]
  })

const validateProbePort = (port: string | number | undefined, field: string): FieldError[] =>
  typeof port === 'string'
    ? ifWrong(checkPortName(port), field, port)
    : port !== undefined && isPort(port)
      ? []
      : [invalidValue(field, port ?? 0, portRange)]

const headerName = /^[-A-Za-z0-9]+$/
const headerMessage =
  "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"

const validateHttpGet = (action: NonNullable<Handler['httpGet']>, field: string): FieldError[] => {
  const { path, port, scheme, httpHeaders = [] } = action
  return [
    ...(path ? [] : [required(`${field}.path`)]),
    ...validateProbePort(port, `${field}.port`),
    ...(scheme === 'HTTP' || scheme === 'HTTPS'
      ? []
      : [notSupported(`${field}.scheme`, scheme ?? '', ['HTTP', 'HTTPS'])]),
    ...httpHeaders.flatMap(({ name = '' }) =>
      headerName.test(name) ? [] : [invalidValue(`${field}.httpHeaders`, name, headerMessage)],
    ),
  ]
}

const handlers = ['exec', 'httpGet', 'tcpSocket', 'sleep', 'grpc'] as const

const validateHandler = (handler: Handler, field: string): FieldError[] => {
  const { exec, httpGet, tcpSocket } = handler
  const given = handlers.filter((name) => (handler as Readonly<Record<string, unknown>>)[name] !== undefined)
  const [first, ...more] = given
  if (first === undefined) return [required(field, 'must specify a handler type')]
  return [
    ...(first === 'exec' && (exec?.command ?? []).length === 0 ? [required(`${field}.exec.command`)] : []),
    ...(first === 'httpGet' && httpGet ? validateHttpGet(httpGet, `${field}.httpGet`) : []),
    ...(first === 'tcpSocket' ? validateProbePort(tcpSocket?.port, `${field}.tcpSocket.port`) : []),
    ...more.map((name) => forbiddenField(`${field}.${name}`, 'may not specify more than 1 handler type')),
  ]
}

const probeNumbers = [
  ...(['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds'] as const),
  ...(['successThreshold', 'failureThreshold'] as const),
] as const

const validateProbe = (probe: Probe | undefined, field: string, onlyOnce: boolean): FieldError[] => {
  if (!probe) return []
  return [
    ...validateHandler(probe, field),
    ...probeNumbers.flatMap((name) => atLeastZero(probe[name], `${field}.${name}`)),
    ...(onlyOnce && probe.successThreshold !== 1
      ? [invalidValue(`${field}.successThreshold`, probe.successThreshold, 'must be 1')]
      : []),
  ]
}

type Mount = NonNullable<Container['volumeMounts']>[number]
type Device = NonNullable<Container['volumeDevices']>[number]

/** What containers may mount: the pod's volumes, and the claims that are made for it. */
export interface Mountable {
  readonly volumes: ReadonlyMap<string, Volume>
  readonly claims: ReadonlySet<string>
}

const isKnown = ({ volumes, claims }: Mountable, name: string): boolean => volumes.has(name) || claims.has(name)

const propagations = ['Bidirectional', 'HostToContainer', 'None']

const validatePropagation = (propagation: string, isPrivileged: boolean, field: string): FieldError[] => [
  ...(propagations.includes(propagation) ? [] : [notSupported(field, propagation, propagations)]),
  ...(propagation === 'Bidirectional' && !isPrivileged
    ? [forbiddenField(field, 'Bidirectional mount propagation is available only to privileged containers')]
    : []),
]

/** Kubernetes names what is wrong with a part of a volume without the mount's place. */
const validateMount = (mount: Mount, list: string, isPrivileged: boolean): FieldError[] => {
  const { subPath, subPathExpr, mountPropagation } = mount
  return [
    ...(subPath ? validateDescendingPath(subPath, `${list}.subPath`) : []),
    ...(subPathExpr ? validateDescendingPath(subPathExpr, `${list}.subPathExpr`) : []),
    ...(mountPropagation !== undefined
      ? validatePropagation(mountPropagation, isPrivileged, `${list}.mountPropagation`)
      : []),
  ]
}

const validateMounts = (container: Container, list: string, mountable: Mountable): FieldError[] => {
  const { volumeMounts: mounts = [], volumeDevices: devices = [] } = container
  const isPrivileged = container.securityContext?.privileged ?? false
  return [
    ...mounts.flatMap((mount, at) => {
      const { name = '', mountPath = '', subPath, subPathExpr } = mount
      const field = `${list}[${at}]`
      return [
        ...(name === '' ? [required(`${field}.name`)] : []),
        ...(isKnown(mountable, name) ? [] : [notFoundValue(`${field}.name`, name)]),
        ...(mountPath === '' ? [required(`${field}.mountPath`)] : []),
        ...(devices.some((device) => device.name === name)
          ? [invalidValue(`${field}.name`, name, 'must not already exist in volumeDevices')]
          : []),
        ...(devices.some(({ devicePath }) => devicePath === mountPath)
          ? [invalidValue(`${field}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices')]
          : []),
        ...(subPath && subPathExpr
          ? [invalidValue(`${field}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive')]
          : []),
        ...validateMount(mount, list, isPrivileged),
      ]
    }),
    ...repeatedAt(mounts.map(({ mountPath = '' }) => mountPath)).map((at) =>
      invalidValue(`${list}[${at}].mountPath`, mounts[at]?.mountPath ?? '', 'must be unique'),
    ),
  ]
}

const validateDevice = (
  device: Device,
  field: string,
  mounts: readonly Mount[],
  mountable: Mountable,
): FieldError[] => {
  const { name = '', devicePath = '' } = device
  const volume = mountable.volumes.get(name)
  return [
    ...(name === '' ? [required(`${field}.name`)] : []),
    ...(volume && !volume.persistentVolumeClaim && !volume.ephemeral
      ? [
          invalidValue(
            `${field}.name`,
            name,
            'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
          ),
        ]
      : []),
    ...(isKnown(mountable, name) ? [] : [notFoundValue(`${field}.name`, name)]),
    ...(devicePath === '' ? [required(`${field}.devicePath`)] : []),
    ...(devicePath.split('/').includes('..')
      ? [invalidValue(`${field}.devicePath`, devicePath, "can not contain backsteps ('..')")]
      : []),
    ...(mounts.some((mount) => mount.name === name)
      ? [invalidValue(`${field}.name`, name, 'must not already exist in volumeMounts')]
      : []),
    ...(mounts.some(({ mountPath }) => mountPath === devicePath)
      ? [invalidValue(`${field}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts')]
      : []),
  ]
}

const validateDevices = (container: Container, list: string, mountable: Mountable): FieldError[] => {
  const { volumeDevices: devices = [], volumeMounts: mounts = [] } = container
  return [
    ...devices.flatMap((device, at) => validateDevice(device, `${list}[${at}]`, mounts, mountable)),
    ...(['name', 'devicePath'] as const).flatMap((key) =>
      repeatedAt(devices.map((device) => device[key] || undefined)).map((at) =>
        invalidValue(`${list}[${at}].${key}`, devices[at]?.[key], 'must be unique'),
      ),
    ),
  ]
}

const terminationPolicies = ['File', 'FallbackToLogsOnError']

export const validateContainer = (container: Container, field: string, mountable: Mountable): FieldError[] => {
  const { terminationMessagePolicy: policy, lifecycle } = container
  return [
    ...(container.name ? [] : [required(`${field}.name`)]),
    ...(container.image ? [] : [required(`${field}.image`)]),
    ...(['postStart', 'preStop'] as const).flatMap((hook) => {
      const handler = lifecycle?.[hook]
      return handler ? validateHandler(handler, `${field}.lifecycle.${hook}`) : []
    }),
    ...validateProbe(container.livenessProbe, `${field}.livenessProbe`, true),
    ...validateProbe(container.startupProbe, `${field}.startupProbe`, true),
    ...(policy === undefined || terminationPolicies.includes(policy)
      ? []
      : [invalidValue(`${field}.terminationMessagePolicy`, policy, "must be 'File' or 'FallbackToLogsOnError'")]),
    ...validateProbe(container.readinessProbe, `${field}.readinessProbe`, false),
    ...validatePorts(container.ports ?? [], `${field}.ports`),
    ...(container.env ?? []).flatMap((variable, at) => validateEnv(variable, `${field}.env[${at}]`)),
    ...validateEnvFrom(container.envFrom ?? [], `${field}.envFrom`),
    ...validateMounts(container, `${field}.volumeMounts`, mountable),
    ...validateDevices(container, `${field}.volumeDevices`, mountable),
    ...validateResources(container.resources, `${field}.resources`),
    ...validateContainerSecurity(container.securityContext, `${field}.securityContext`),
  ]
}

const onlyBesideOthers = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const

/** What only a container may have that goes on running. */
export const validateInitContainer = (container: Container, field: string): FieldError[] =>
  container.restartPolicy === 'Always'
    ? []
    : onlyBesideOthers.flatMap((name) =>
        container[name] === undefined
          ? []
          : [
              invalidValue(
                `${field}.${name}`,
                container[name],
                'must not be set for init containers without restartPolicy=Always',
              ),
            ],
      )

/** Ports of the host that containers ask for which run at the same time. */
export const validateHostPorts = (containers: readonly Container[], path: string): FieldError[] => {
  const asked = containers.flatMap(({ ports = [] }, container) =>
    ports.flatMap(({ hostPort, hostIP = '', protocol = 'TCP' }, at) =>
      hostPort
        ? [{ key: `${protocol}/${hostIP}/${hostPort}`, field: `${path}[${container}].ports[${at}].hostPort` }]
        : [],
    ),
  )
  return repeatedAt(asked.map(({ key }) => key)).flatMap((at) => {
    const again = asked[at]
    return again ? [duplicate(again.field, again.key)] : []
  })
}
