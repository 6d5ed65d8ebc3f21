/**
 * Node ports at `::1`: the kernel translates nothing between loopback and other addresses there, so a process listens.
 * (At 127.0.0.1 the kernel does it, see iptables/.) Programs that ask for `localhost` often try `::1` first.
 */
import { aborted } from '../../api/clock.ts'
import type { Informer } from '../../api/informer.ts'
import { objectKey } from '../../api/resources.ts'
import type { Service } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import { parseAddress } from '../../ip/address.ts'
import type { Target } from './picker.ts'
import { listenTcp, type Relay } from './tcp-relay.ts'
import { listenUdp } from './udp-relay.ts'

export interface LocalhostOptions {
  readonly services: Informer<Service>
  /** Whether this proxy serves the Service. */
  readonly isServed: (service: Service) => boolean
  /** This node's address of the family IPv6, for Services that have no other. */
  readonly nodeAddress6: string | undefined
  readonly log: Logger
  /** `::1` */
  readonly address?: string
}

interface Wanted {
  /** `tcp 30080` */
  readonly id: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  readonly target: Target
}

/** The node ports of a Service, and where a relay finds them under an address that the kernel translates. Pure. */
export const localhostPorts = ({ spec }: Service, nodeAddress6: string | undefined): readonly Wanted[] => {
  if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return []
  const isIPv4 = (spec.clusterIPs ?? [spec.clusterIP ?? '']).some((address) => parseAddress(address, 'IPv4'))
  const address = isIPv4 ? '127.0.0.1' : nodeAddress6
  if (address === undefined) return []
  return (spec.ports ?? []).flatMap(({ nodePort, protocol = 'TCP' }) => {
    if (!nodePort || protocol === 'SCTP') return []
    const name = protocol === 'UDP' ? 'udp' : 'tcp'
    return [{ id: `${name} ${nodePort}`, protocol: name, port: nodePort, target: { address, port: nodePort } } as const]
  })
}

interface Listening {
  readonly wanted: Wanted
  isClosed: boolean
  relay: Relay | undefined
}

const listenFor = { tcp: listenTcp, udp: listenUdp } as const

/** Listens until `signal` aborts. What cannot be listened on is told, once for each port. */
export const runLocalhostNodePorts = async (options: LocalhostOptions, signal: AbortSignal): Promise<void> => {
  const { services, isServed, nodeAddress6, log, address = '::1' } = options
  const ofService = new Map<string, readonly Listening[]>()

  const start = (service: string, wanted: Wanted): Listening => {
    const listening: Listening = { wanted, isClosed: false, relay: undefined }
    const route = { candidates: () => [wanted.target], isOffered: () => true, served: () => undefined }
    listenFor[wanted.protocol](address, wanted.port, route).then(
      (relay) => {
        if (listening.isClosed) relay.destroy()
        else listening.relay = relay
      },
      (error: unknown) => log.warn({ err: error, service, port: wanted.id }, `no node port at ${address}`),
    )
    return listening
  }

  const stop = (listening: Listening): void => {
    listening.isClosed = true
    listening.relay?.close()
  }

  const update = (service: string, wanted: readonly Wanted[]): void => {
    const before = ofService.get(service) ?? []
    const isSame = (a: Wanted, b: Wanted): boolean => a.id === b.id && a.target.address === b.target.address
    const kept = before.filter((listening) => wanted.some((each) => isSame(each, listening.wanted)))
    for (const listening of before) if (!kept.includes(listening)) stop(listening)
    const come = wanted.filter((each) => !kept.some((listening) => isSame(each, listening.wanted)))
    const now = [...kept, ...come.map((each) => start(service, each))]
    if (now.length > 0) ofService.set(service, now)
    else ofService.delete(service)
  }

  services.onChange((_key, current, previous) => {
    const known = current ?? previous
    if (signal.aborted || !known) return
    update(objectKey(known), current && isServed(current) ? localhostPorts(current, nodeAddress6) : [])
  })
  await aborted(signal)
  for (const listening of [...ofService.values()].flat()) {
    listening.isClosed = true
    listening.relay?.destroy()
  }
}
