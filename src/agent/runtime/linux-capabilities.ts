/** What processes of containers may do besides what any user may: capabilities(7), as containers ask for them. Pure. */

/** As other runtimes have it, less the right to make devices, which nobody could open. */
export const usualCapabilities: readonly string[] = [
  ...['audit_write', 'chown', 'dac_override', 'fowner', 'fsetid', 'kill', 'net_bind_service', 'net_raw'],
  ...['setfcap', 'setgid', 'setpcap', 'setuid', 'sys_chroot'],
]

/** By their numbers, from 0. */
const numbered: readonly string[] = [
  ...['chown', 'dac_override', 'dac_read_search', 'fowner', 'fsetid', 'kill', 'setgid', 'setuid', 'setpcap'],
  ...['linux_immutable', 'net_bind_service', 'net_broadcast', 'net_admin', 'net_raw', 'ipc_lock', 'ipc_owner'],
  ...['sys_module', 'sys_rawio', 'sys_chroot', 'sys_ptrace', 'sys_pacct', 'sys_admin', 'sys_boot', 'sys_nice'],
  ...['sys_resource', 'sys_time', 'sys_tty_config', 'mknod', 'lease', 'audit_write', 'audit_control', 'setfcap'],
  ...['mac_override', 'mac_admin', 'syslog', 'wake_alarm', 'block_suspend', 'audit_read', 'perfmon', 'bpf'],
  'checkpoint_restore',
]

const known: ReadonlySet<string> = new Set(numbered)

/** Those in a set as /proc/PID/status shows it: `000001ffffffffff`. */
export const capabilitiesIn = (mask: string): readonly string[] => {
  const bits = BigInt(`0x${mask}`)
  return numbered.filter((_name, at) => (bits >> BigInt(at)) & 1n)
}

/** `NET_ADMIN` and `CAP_NET_ADMIN` are `net_admin`, and `ALL` is `all`. Throws a RangeError for what is none. */
const nameOf = (text: string): string => {
  const name = text.toLowerCase().replace(/^cap_/, '')
  if (name !== 'all' && !known.has(name)) throw new RangeError(`unknown capability ${JSON.stringify(text)}`)
  return name
}

export interface CapabilityChanges {
  readonly add?: readonly string[]
  readonly drop?: readonly string[]
}

/**
 * The usual ones, changed: what is dropped by name goes, whoever adds it, and where all are dropped only those remain that
 * are added by name. Undefined when nothing is changed.
 */
export const changedCapabilities = ({ add = [], drop = [] }: CapabilityChanges): readonly string[] | undefined => {
  const [added, dropped] = [add.map(nameOf), drop.map(nameOf)]
  if (added.length === 0 && dropped.length === 0) return undefined
  const base = dropped.includes('all') ? [] : added.includes('all') ? known : usualCapabilities
  const all = new Set([...base, ...added])
  for (const name of ['all', ...dropped]) all.delete(name)
  return [...all].sort()
}
