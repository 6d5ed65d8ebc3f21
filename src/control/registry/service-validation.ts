/** What makes a Service unacceptable (core/v1 validation). Ranges of addresses and node ports are the allocators' matter. */

import { isIP } from 'node:net'
import { duplicate, type FieldError, forbiddenField, invalidValue, notSupported, required } from '../../api/errors.ts'
import type { Service, ServicePort, ServiceSpec } from '../../api/types/index.ts'
import { validateLabels } from './metadata.ts'
import { checkLabel, checkPortName, checkSubdomain, isPort, portRange } from './names.ts'

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const protocols = ['SCTP', 'TCP', 'UDP']
const maxAffinitySeconds = 86_400

const check = (message: string | undefined, field: string, value: unknown): FieldError[] =>
  message === undefined ? [] : [invalidValue(field, value, message)]

const supported = (value: string | undefined, allowed: readonly string[], field: string): FieldError[] =>
  value === undefined || allowed.includes(value) ? [] : [notSupported(field, value, allowed)]

const validatePort = (port: ServicePort, field: string, spec: ServiceSpec): FieldError[] => [
  ...((spec.ports?.length ?? 0) > 1 && !port.name ? [required(`${field}.name`)] : []),
  ...(port.name ? check(checkLabel(port.name), `${field}.name`, port.name) : []),
  ...(isPort(port.port) ? [] : [invalidValue(`${field}.port`, port.port, portRange)]),
  ...(port.protocol ? supported(port.protocol, protocols, `${field}.protocol`) : [required(`${field}.protocol`)]),
  ...(typeof port.targetPort === 'string'
    ? check(checkPortName(port.targetPort), `${field}.targetPort`, port.targetPort)
    : []),
  ...(typeof port.targetPort === 'number' && !isPort(port.targetPort)
    ? [invalidValue(`${field}.targetPort`, port.targetPort, portRange)]
    : []),
  ...(port.nodePort && spec.type !== 'NodePort' && spec.type !== 'LoadBalancer'
    ? [forbiddenField(`${field}.nodePort`, `may not be used when \`type\` is '${spec.type}'`)]
    : []),
  ...(port.nodePort && !isPort(port.nodePort) ? [invalidValue(`${field}.nodePort`, port.nodePort, portRange)] : []),
]

const firstOf = <T>(items: readonly T[], item: T): number => items.indexOf(item)

const repeated = (ports: readonly ServicePort[]): FieldError[] => {
  const names = ports.map(({ name }) => name || undefined)
  const numbers = ports.map(({ port, protocol }) => `${port}/${protocol}`)
  const nodePorts = ports.map(({ nodePort, protocol }) => (nodePort ? `${nodePort}/${protocol}` : undefined))
  return ports.flatMap((port, at) => [
    ...(names[at] !== undefined && firstOf(names, names[at]) < at
      ? [duplicate(`spec.ports[${at}].name`, port.name)]
      : []),
    ...(firstOf(numbers, numbers[at] ?? '') < at
      ? [duplicate(`spec.ports[${at}]`, { protocol: port.protocol, port: port.port })]
      : []),
    ...(nodePorts[at] !== undefined && firstOf(nodePorts, nodePorts[at]) < at
      ? [duplicate(`spec.ports[${at}].nodePort`, port.nodePort)]
      : []),
  ])
}

const validateAffinity = (spec: ServiceSpec): FieldError[] => {
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
  return [
    ...supported(spec.sessionAffinity, ['ClientIP', 'None'], 'spec.sessionAffinity'),
    ...(spec.sessionAffinity === 'ClientIP' && (seconds === undefined || seconds <= 0 || seconds > maxAffinitySeconds)
      ? [
          invalidValue(
            'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
            seconds ?? 0,
            `must be greater than 0 and less than ${maxAffinitySeconds}`,
          ),
        ]
      : []),
  ]
}

const validateExternalName = (spec: ServiceSpec): FieldError[] => {
  if (spec.type !== 'ExternalName') return []
  const name = spec.externalName?.replace(/\.$/, '')
  return [
    ...(spec.clusterIP ? [forbiddenField('spec.clusterIPs[0]', "may not be set when `type` is 'ExternalName'")] : []),
    ...(name ? check(checkSubdomain(name), 'spec.externalName', name) : [required('spec.externalName')]),
  ]
}

const addresses = (list: readonly string[] | undefined, field: string): FieldError[] =>
  (list ?? []).flatMap((address, at) =>
    isIP(address)
      ? []
      : [invalidValue(`${field}[${at}]`, address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')],
  )

export const validateService = ({ spec }: Service): FieldError[] => {
  const ports = spec.ports ?? []
  const headless = spec.clusterIP === 'None'
  return [
    ...(spec.type ? supported(spec.type, types, 'spec.type') : [required('spec.type')]),
    ...(ports.length === 0 && !headless && spec.type !== 'ExternalName' ? [required('spec.ports')] : []),
    ...ports.flatMap((port, at) => validatePort(port, `spec.ports[${at}]`, spec)),
    ...repeated(ports),
    ...validateAffinity(spec),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...validateExternalName(spec),
    ...(headless && (spec.type === 'NodePort' || spec.type === 'LoadBalancer')
      ? [invalidValue('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`)]
      : []),
    ...(headless ? [] : addresses(spec.clusterIPs, 'spec.clusterIPs')),
    ...addresses(spec.externalIPs, 'spec.externalIPs'),
    ...supported(spec.externalTrafficPolicy, ['Cluster', 'Local'], 'spec.externalTrafficPolicy'),
    ...supported(spec.internalTrafficPolicy, ['Cluster', 'Local'], 'spec.internalTrafficPolicy'),
    ...supported(
      spec.trafficDistribution,
      ['PreferClose', 'PreferSameNode', 'PreferSameZone'],
      'spec.trafficDistribution',
    ),
    ...(spec.externalTrafficPolicy &&
    spec.type !== 'NodePort' &&
    spec.type !== 'LoadBalancer' &&
    !spec.externalIPs?.length
      ? [
          invalidValue(
            'spec.externalTrafficPolicy',
            spec.externalTrafficPolicy,
            'may only be set for externally-accessible services',
          ),
        ]
      : []),
  ]
}

/** An address, once given, stays until the Service goes or becomes an ExternalName. */
/** Load balancers were told the port. */
const validateHealthCheckPort = ({ spec }: Service, old: Service): FieldError[] => {
  const [port, before] = [spec.healthCheckNodePort, old.spec.healthCheckNodePort]
  return port && before && port !== before ? [invalidValue('spec.healthCheckNodePort', port, 'field is immutable')] : []
}

export const validateServiceUpdate = (service: Service, old: Service): FieldError[] => [
  ...validateHealthCheckPort(service, old),
  ...validateAddressUpdate(service, old),
]

const validateAddressUpdate = (service: Service, old: Service): FieldError[] => {
  const before = old.spec.clusterIP
  if (!before || old.spec.type === 'ExternalName' || service.spec.type === 'ExternalName') return []
  const now = service.spec.clusterIPs?.[0] ?? service.spec.clusterIP
  if (now === before) return []
  return [
    now
      ? invalidValue('spec.clusterIPs[0]', service.spec.clusterIPs ?? [now], 'may not change once set')
      : invalidValue('spec.clusterIPs[0]', service.spec.clusterIPs ?? null, 'primary clusterIP can not be unset'),
  ]
}
