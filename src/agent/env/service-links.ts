/** Services as environment variables, in the manner of Docker links. */

import type { Service } from '../../api/types/index.ts'
import { joinHostPort } from '../../ip/address.ts'

/** What is used of a Service. */
export interface ServiceLink {
  readonly namespace: string
  readonly name: string
  readonly clusterIP: string
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number }[]
}

/** Cuts a Service down; undefined when it has no address of its own. */
export const toServiceLink = (service: Service): ServiceLink | undefined => {
  const { clusterIP = '', ports = [] } = service.spec
  if (clusterIP === '' || clusterIP === 'None') return undefined
  return {
    namespace: service.metadata.namespace ?? '',
    name: service.metadata.name,
    clusterIP,
    ports: ports.map(({ name = '', protocol = 'TCP', port }) => ({ name, protocol, port })),
  }
}

const words = (name: string): string => name.toUpperCase().replaceAll('-', '_')

const linkVariables = ({ name, clusterIP, ports }: ServiceLink): readonly (readonly [string, string])[] => {
  const prefix = words(name)
  const [first] = ports
  if (!first) return []
  const url = (protocol: string, port: number) => `${protocol.toLowerCase()}://${joinHostPort(clusterIP, port)}`
  return [
    [`${prefix}_SERVICE_HOST`, clusterIP],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
    ...ports.flatMap((port) =>
      port.name === '' ? [] : ([[`${prefix}_SERVICE_PORT_${words(port.name)}`, String(port.port)]] as const),
    ),
    [`${prefix}_PORT`, url(first.protocol, first.port)],
    ...ports.flatMap(({ protocol, port }) => {
      const each = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`
      return [
        [each, url(protocol, port)],
        [`${each}_PROTO`, protocol.toLowerCase()],
        [`${each}_PORT`, String(port)],
        [`${each}_ADDR`, clusterIP],
      ] as const
    }),
  ]
}

/**
 * The variables of a pod in `namespace`: the Services beside it when it wants links, and always default/kubernetes, which
 * a Service of that name beside the pod takes the place of.
 */
export const serviceVariables = (
  services: Iterable<ServiceLink>,
  namespace: string,
  enableServiceLinks: boolean,
): readonly (readonly [string, string])[] => {
  const chosen = new Map<string, ServiceLink>()
  for (const service of services) {
    const isMaster = service.namespace === 'default' && service.name === 'kubernetes'
    const isBeside = enableServiceLinks && service.namespace === namespace
    if (isBeside || (isMaster && !chosen.has('kubernetes'))) chosen.set(service.name, service)
  }
  return [...chosen.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap(linkVariables)
}
