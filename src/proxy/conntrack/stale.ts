/**
 * UDP connections that lead nowhere any more. The kernel remembers where a client's first packet went for as long as
 * packets come, so a client that never stops would go on talking to a pod that is gone. Pure.
 */
import type { Flow } from '../../host/conntrack/flows.ts'

/** How clients reach a UDP port of a Service, and where they may end up. */
export interface UdpPort {
  /** Cluster, external and load balancer addresses. */
  readonly addresses: readonly string[]
  readonly port: number
  readonly nodePort: number | undefined
  /** `address port` of everything that serves; `relay port` for a port of this node where a process of ours relays. */
  readonly endpoints: ReadonlySet<string>
}

export interface Situation {
  readonly ports: Iterable<UdpPort>
  /** `address port` (node ports: `* port`) that were a Service's and are no longer. */
  readonly gone: ReadonlySet<string>
  /** Whether an address can only be a Service's. */
  readonly isServiceAddress: (address: string) => boolean
  /** This node's own. */
  readonly ownAddresses: ReadonlySet<string>
}

/** In the place of an endpoint's address: this node, where a process relays. */
export const relay = 'relay'

export const place = (address: string, port: number): string => `${address} ${port}`

/** What a Service's clients send to. */
export const doorsOf = ({ addresses, port, nodePort }: UdpPort): readonly string[] => [
  ...addresses.map((address) => place(address, port)),
  ...(nodePort === undefined ? [] : [place('*', nodePort)]),
]

/** The flows to forget. One to an endpoint that serves is never among them. */
export const staleFlows = (flows: readonly Flow[], situation: Situation): readonly Flow[] => {
  const doors = new Map<string, ReadonlySet<string>>()
  for (const port of situation.ports)
    for (const door of doorsOf(port)) doors.set(door, new Set([...(doors.get(door) ?? []), ...port.endpoints]))
  return flows.filter(({ original, reply }) => {
    const { destination, destinationPort } = original
    const isTranslated = reply.source !== destination || reply.sourcePort !== destinationPort
    const keys = [
      place(destination, destinationPort),
      ...(situation.ownAddresses.has(destination) ? [place('*', destinationPort)] : []),
    ]
    const endpoints = keys.map((key) => doors.get(key)).find((found) => found !== undefined)
    if (endpoints === undefined)
      // Of nobody's Service: only where we know that it was one.
      return isTranslated && (keys.some((key) => situation.gone.has(key)) || situation.isServiceAddress(destination))
    // Untranslated: it began when nobody served, and would never be looked at again.
    if (!isTranslated) return endpoints.size > 0
    const isRelayed = situation.ownAddresses.has(reply.source) && endpoints.has(place(relay, reply.sourcePort))
    return !isRelayed && !endpoints.has(place(reply.source, reply.sourcePort))
  })
}
