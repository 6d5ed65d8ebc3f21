/**
 * Ports that a node serves itself at its addresses (its agent, Ingress, health, metrics): no Service and no pod may have
 * them there. The agent tells them in an annotation of its Node.
 */
import type { Node, Protocol } from './types/index.ts'

export interface ServedPort {
  readonly port: number
  readonly protocol: Protocol
  /** The one address where it is served; missing: at all of the node's. */
  readonly ip?: string
}

/** `80/TCP,443/TCP,10250/TCP`. */
export const servedPortsAnnotation = 'podway.dev/served-ports'

const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP']

/** `80/TCP`. */
export const portWord = ({ port, protocol }: ServedPort): string => `${port}/${protocol}`

/** Served at all addresses of the node. */
export const isServedEverywhere = ({ ip }: ServedPort): boolean => ip === undefined

/** The annotation's text: what is served everywhere, sorted, each port once. */
export const formatServedPorts = (ports: readonly ServedPort[]): string => {
  const everywhere = ports.filter(isServedEverywhere).toSorted((a, b) => a.port - b.port)
  return [...new Set(everywhere.map(portWord))].join(',')
}

const parsePort = (text: string): ServedPort | undefined => {
  const [, number = '', word] = /^\s*(\d{1,5})\/([A-Z]+)\s*$/.exec(text) ?? []
  const protocol = protocols.find((known) => known === word)
  const port = Number(number)
  return protocol && port > 0 && port < 65_536 ? { port, protocol } : undefined
}

/** What every node has, one of another kind, too: its kubelet (mostly), and health and metrics of its proxy. */
const usual = ({ status }: Node): readonly ServedPort[] =>
  [status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 10_250, 10_256]
    .filter((port) => port > 0)
    .map((port) => ({ port, protocol: 'TCP' }))

/** The ports of a node, as far as they are known. What cannot be read of the annotation is left out. */
export const servedPortsOf = (node: Node): readonly ServedPort[] => [
  ...usual(node),
  ...(node.metadata.annotations?.[servedPortsAnnotation] ?? '').split(',').flatMap((text) => parsePort(text) ?? []),
]
