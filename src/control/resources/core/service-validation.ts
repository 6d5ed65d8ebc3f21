/** What makes a Service unacceptable (core/v1 validation). Ranges of addresses and node ports are the allocators' matter. */

import { duplicate, type FieldError, forbiddenField, invalidValue, required } from '../../../api/errors.ts'
import { qualifiedNameMessage } from '../../../api/names.ts'
import type { Service, ServicePort, ServiceSpec } from '../../../api/types/index.ts'
import { isPort, portRange } from '../names.ts'
import { repeatedAt } from '../repeated.ts'

const maxAffinitySeconds = 86_400

const validatePort = (port: ServicePort, field: string, spec: ServiceSpec): FieldError[] => [
  ...((spec.ports?.length ?? 0) > 1 && !port.name ? [required(`${field}.name`)] : []),
  ...(isPort(port.port) ? [] : [invalidValue(`${field}.port`, port.port, portRange)]),
  ...(port.protocol ? [] : [required(`${field}.protocol`)]),
  ...(port.targetPort ? [] : [invalidValue(`${field}.targetPort`, port.targetPort ?? 0, portRange)]),
  ...(port.appProtocol === '' ? [invalidValue(`${field}.appProtocol`, '', qualifiedNameMessage)] : []),
  ...(port.nodePort && spec.type !== 'NodePort' && spec.type !== 'LoadBalancer'
    ? [forbiddenField(`${field}.nodePort`, `may not be used when \`type\` is '${spec.type}'`)]
    : []),
]

const repeated = (ports: readonly ServicePort[]): FieldError[] => {
  const names = ports.map(({ name }) => name || undefined)
  const numbers = ports.map(({ port, protocol }) => `${port}/${protocol}`)
  const nodePorts = ports.map(({ nodePort, protocol }) => (nodePort ? `${nodePort}/${protocol}` : undefined))
  return [
    ...repeatedAt(names).map((at) => duplicate(`spec.ports[${at}].name`, names[at])),
    ...repeatedAt(numbers).map((at) =>
      duplicate(`spec.ports[${at}]`, { protocol: ports[at]?.protocol, port: ports[at]?.port }),
    ),
    ...repeatedAt(nodePorts).map((at) => duplicate(`spec.ports[${at}].nodePort`, ports[at]?.nodePort)),
  ]
}

const validateAffinity = (spec: ServiceSpec): FieldError[] => {
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
  return [
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
  return [
    ...(spec.clusterIP ? [forbiddenField('spec.clusterIPs[0]', "may not be set when `type` is 'ExternalName'")] : []),
    ...(spec.externalName ? [] : [required('spec.externalName')]),
  ]
}

export const validateService = ({ spec }: Service): FieldError[] => {
  const ports = spec.ports ?? []
  const headless = spec.clusterIP === 'None'
  return [
    ...(spec.type ? [] : [required('spec.type')]),
    ...(ports.length === 0 && !headless && spec.type !== 'ExternalName' ? [required('spec.ports')] : []),
    ...ports.flatMap((port, at) => validatePort(port, `spec.ports[${at}]`, spec)),
    ...repeated(ports),
    ...validateAffinity(spec),
    ...validateExternalName(spec),
    ...(headless && (spec.type === 'NodePort' || spec.type === 'LoadBalancer')
      ? [invalidValue('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`)]
      : []),
    ...(spec.loadBalancerSourceRanges?.length && spec.type !== 'LoadBalancer'
      ? [forbiddenField('spec.loadBalancerSourceRanges', "may only be used when `type` is 'LoadBalancer'")]
      : []),
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
