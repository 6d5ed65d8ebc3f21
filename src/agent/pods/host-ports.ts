/** The ports of the node that a pod wants to be reached by, for whoever forwards them. Pure. */
import type { Pod, Protocol } from '../../api/types/index.ts'

export interface HostPort {
  readonly hostPort: number
  /** Empty for all addresses of the node. */
  readonly hostIP: string
  readonly protocol: Protocol
  readonly podIP: string
  readonly containerPort: number
}

/** None for a pod on the host network, which needs no forwarding, nor for one that has no address or is over. */
export const hostPortsOf = ({ spec, status }: Pod): readonly HostPort[] => {
  const { podIP, phase } = status ?? {}
  if (spec.hostNetwork || podIP === undefined || phase === 'Succeeded' || phase === 'Failed') return []
  return spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP = '', protocol = 'TCP', containerPort }) =>
      hostPort === undefined || hostPort === 0 ? [] : [{ hostPort, hostIP, protocol, podIP, containerPort }],
    ),
  )
}
