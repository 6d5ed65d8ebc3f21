/** Which kernel settings a pod may have. Pure. */
import type { SandboxSpec } from '../sandboxes.ts'

/** They are of a pod's own namespaces, and harm nobody else: the kubelet's list. */
const safe: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  ...[
    ...['ip_local_port_range', 'ip_local_reserved_ports', 'ip_unprivileged_port_start', 'ping_group_range'],
    ...['tcp_fin_timeout', 'tcp_keepalive_intvl', 'tcp_keepalive_probes', 'tcp_keepalive_time', 'tcp_syncookies'],
    ...['tcp_rmem', 'tcp_wmem'],
  ].map((name) => `net.ipv4.${name}`),
])

/** Throws for what is not of the pod alone. */
export const checkSysctls = ({ sysctls = {}, hostNetwork, hostIPC }: SandboxSpec): void => {
  for (const name of Object.keys(sysctls)) {
    const dotted = name.replaceAll('/', '.')
    if (!safe.has(dotted)) throw new Error(`forbidden sysctl: ${JSON.stringify(name)} not allowlisted`)
    if (hostNetwork && dotted.startsWith('net.'))
      throw new Error(`forbidden sysctl: ${JSON.stringify(name)} not allowed with host net enabled`)
    if (hostIPC && dotted.startsWith('kernel.'))
      throw new Error(`forbidden sysctl: ${JSON.stringify(name)} not allowed with host ipc enabled`)
  }
}
