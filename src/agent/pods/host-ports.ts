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

/** One for each address of the pod. None for a pod on the host network, which needs no forwarding, nor for one that is over. */
export const hostPortsOf = ({ spec, status }: Pod): readonly HostPort[] => {
  const { podIP, podIPs = podIP === undefined ? [] : [{ ip: podIP }], phase } = status ?? {}
  if (spec.hostNetwork || phase === 'Succeeded' || phase === 'Failed') return []
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  return [...sidecars, ...spec.containers].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP = '', protocol = 'TCP', containerPort }) =>
      hostPort === undefined || hostPort === 0
        ? []
        : podIPs.map(({ ip }) => ({ hostPort, hostIP, protocol, podIP: ip, containerPort })),
    ),
  )
}
