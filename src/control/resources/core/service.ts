import { deepEqual } from '../../../api/deep-equal.ts'
import type { Service, ServicePort, ServiceSpec } from '../../../api/types/index.ts'
import { ageColumn, column, list, nameColumn, wide } from '../columns.ts'
import { define } from '../definition.ts'
import { label1035Name } from '../names.ts'
import { proxyVerbs } from '../verbs.ts'
import { validateService, validateServiceUpdate } from './service-validation.ts'

/** Types that have an address of their own (unless headless), and those that open a port on every node. */
export const needsClusterIP = ({ type }: ServiceSpec): boolean => type !== 'ExternalName'
export const needsNodePort = (spec: ServiceSpec): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
/** A load balancer that sends to nodes with endpoints only asks each node for its health there. */
export const needsHealthCheckPort = ({ type, externalTrafficPolicy }: ServiceSpec): boolean =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local'
export const isHeadless = ({ clusterIP }: ServiceSpec): boolean => clusterIP === 'None'

const affinityTimeoutSeconds = 10_800

const defaultPort = (port: ServicePort): ServicePort => ({
  ...port,
  protocol: port.protocol ?? 'TCP',
  targetPort: port.targetPort || port.port,
})

const defaultAffinity = (spec: ServiceSpec): Partial<ServiceSpec> =>
  spec.sessionAffinity === 'ClientIP'
    ? {
        sessionAffinityConfig: {
          clientIP: { timeoutSeconds: affinityTimeoutSeconds, ...spec.sessionAffinityConfig?.clientIP },
        },
      }
    : { sessionAffinityConfig: undefined }

/** `clusterIP` and the first of `clusterIPs` are the same thing, written by clients of different age. */
const joinClusterIPs = (spec: ServiceSpec): Partial<ServiceSpec> => {
  const first = spec.clusterIP || spec.clusterIPs?.[0]
  if (!first) return {}
  return { clusterIP: first, clusterIPs: spec.clusterIPs?.length ? spec.clusterIPs : [first] }
}

const defaultSpec = (spec: ServiceSpec): ServiceSpec => {
  const typed = { sessionAffinity: 'None', type: 'ClusterIP', ...spec } as const
  const ports = typed.ports?.map(defaultPort)
  const base = { ...typed, ...(ports ? { ports } : {}), ...defaultAffinity(typed) }
  if (!needsClusterIP(base)) return base
  const opensNodes = base.type === 'NodePort' || base.type === 'LoadBalancer'
  return {
    internalTrafficPolicy: 'Cluster',
    ...(opensNodes || base.externalIPs?.length ? { externalTrafficPolicy: 'Cluster' } : {}),
    ...(base.type === 'LoadBalancer' ? { allocateLoadBalancerNodePorts: true } : {}),
    ...base,
    ...joinClusterIPs(base),
  }
}

const isExternal = (spec: ServiceSpec): boolean =>
  spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs?.length ?? 0) > 0

/** Fields that only some types have: a change of type drops them unless the client changes them, too. */
const typeDependent: readonly (readonly [
  needs: (spec: ServiceSpec) => boolean,
  fields: readonly (keyof ServiceSpec)[],
])[] = [
  [isExternal, ['externalTrafficPolicy']],
  [
    ({ type }) => type === 'LoadBalancer',
    ['allocateLoadBalancerNodePorts', 'loadBalancerClass', 'loadBalancerIP', 'loadBalancerSourceRanges'],
  ],
  [needsHealthCheckPort, ['healthCheckNodePort']],
  [needsClusterIP, ['internalTrafficPolicy', 'ipFamilies', 'ipFamilyPolicy']],
]

const dropOutdated = (spec: ServiceSpec, old: ServiceSpec): ServiceSpec => {
  const outdated = typeDependent
    .filter(([needs]) => needs(old) && !needs(spec))
    .flatMap(([, fields]) => fields)
    .filter((field) => deepEqual(spec[field], old[field]))
  return Object.fromEntries(
    Object.entries(spec).filter(([field]) => !(outdated as readonly string[]).includes(field)),
  ) as ServiceSpec
}

/**
 * A PUT that does not mention IP families keeps them. One that goes back to a single stack, and leaves the lists as they
 * were, means the first of each.
 */
const withFamilies = (spec: ServiceSpec, old: ServiceSpec): ServiceSpec => {
  if (!needsClusterIP(spec) || !needsClusterIP(old)) return spec
  const ipFamilies = spec.ipFamilies?.length ? spec.ipFamilies : old.ipFamilies
  const ipFamilyPolicy = spec.ipFamilyPolicy ?? old.ipFamilyPolicy
  const kept = { ...spec, ...(ipFamilies ? { ipFamilies } : {}), ...(ipFamilyPolicy ? { ipFamilyPolicy } : {}) }
  if (ipFamilyPolicy !== 'SingleStack' || old.ipFamilyPolicy === 'SingleStack') return kept
  const isUntouched = !spec.clusterIPs?.length || deepEqual(spec.clusterIPs, old.clusterIPs)
  return {
    ...kept,
    ...(deepEqual(ipFamilies, old.ipFamilies) ? { ipFamilies: ipFamilies?.slice(0, 1) } : {}),
    ...(isUntouched && old.clusterIPs ? { clusterIPs: old.clusterIPs.slice(0, 1) } : {}),
  }
}

/**
 * A PUT that does not mention the addresses and node ports the server gave out keeps them; a change of type drops those
 * that the new type has no use for.
 */
const adoptAllocations = (service: Service, old: Service): Service => {
  const { clusterIP, clusterIPs, ports, ...rest } = withFamilies(dropOutdated(service.spec, old.spec), old.spec)
  const keyOf = ({ port, protocol = 'TCP' }: ServicePort): string => `${port}/${protocol}`
  const oldPorts = new Map((old.spec.ports ?? []).map((port) => [keyOf(port), port.nodePort]))
  const oldNodePorts = new Set(oldPorts.values())
  const nodePortOf = (port: ServicePort): number | undefined => port.nodePort || oldPorts.get(keyOf(port))
  const wantsAddress = needsClusterIP(service.spec)
  const hadAddress = needsClusterIP(old.spec)
  const address = clusterIP || clusterIPs?.[0] || (hadAddress ? old.spec.clusterIP : undefined)
  const unchanged = address === old.spec.clusterIP
  const keepsAddress = wantsAddress ? address !== undefined : !unchanged && address !== undefined
  const opensNodes = needsNodePort(service.spec)
  const newPorts = ports?.map((port) => {
    const nodePort = opensNodes ? nodePortOf(port) : oldNodePorts.has(port.nodePort) ? undefined : port.nodePort
    const { nodePort: _given, ...without } = port
    return nodePort ? { ...without, nodePort } : without
  })
  const healthPort = needsHealthCheckPort(service.spec) ? rest.healthCheckNodePort || old.spec.healthCheckNodePort : 0
  return {
    ...service,
    spec: {
      ...rest,
      ...(healthPort ? { healthCheckNodePort: healthPort } : {}),
      ...(newPorts ? { ports: newPorts } : {}),
      ...(keepsAddress && address !== undefined
        ? {
            clusterIP: address,
            clusterIPs: clusterIPs?.length ? clusterIPs : unchanged ? old.spec.clusterIPs : [address],
          }
        : {}),
    },
  }
}

const externalAddresses = ({ spec, status }: Service): string => {
  const external = spec.externalIPs ?? []
  switch (spec.type) {
    case 'ExternalName':
      return spec.externalName ?? ''
    case 'LoadBalancer': {
      const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '')
      return list([...ingress, ...external], '<pending>')
    }
    default:
      return list(external)
  }
}

const portText = ({ port, nodePort, protocol }: ServicePort): string =>
  nodePort ? `${port}:${nodePort}/${protocol ?? 'TCP'}` : `${port}/${protocol ?? 'TCP'}`

const selectorText = ({ spec }: Service): string =>
  list(Object.entries(spec.selector ?? {}).map(([key, value]) => `${key}=${value}`))

export const service = define<Service>({
  group: '',
  version: 'v1',
  plural: 'services',
  singular: 'service',
  kind: 'Service',
  namespaced: true,
  shortNames: ['svc'],
  categories: ['all'],
  nameRule: label1035Name,
  status: 'separate',
  subresources: [{ name: 'proxy', kind: 'ServiceProxyOptions', verbs: proxyVerbs }],
  fields: { 'spec.clusterIP': (s) => s.spec.clusterIP ?? '', 'spec.type': (s) => s.spec.type ?? '' },
  columns: [
    nameColumn,
    column('Type', (s) => s.spec.type ?? '', 'How the service is reached'),
    column('Cluster-IP', (s) => s.spec.clusterIPs?.[0] ?? s.spec.clusterIP ?? '<none>', 'Its address in the cluster'),
    column('External-IP', externalAddresses, 'Its addresses outside the cluster'),
    column('Port(s)', (s) => list((s.spec.ports ?? []).map(portText)), 'Its ports, with the port on every node'),
    ageColumn,
    wide('Selector', selectorText, 'The labels of the pods behind it'),
  ],
  defaults: (s) => ({ ...s, spec: defaultSpec(s.spec ?? {}) }),
  onCreate: (s) => ({ ...s, status: { loadBalancer: {} } }),
  adopt: adoptAllocations,
  validate: validateService,
  validateUpdate: validateServiceUpdate,
})
