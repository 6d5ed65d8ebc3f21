/** Room and patience of the kernel's table of connections, as kube-proxy sets them. */
import type { Logger } from '../../host/log.ts'
import { readSysctl, writeSysctl } from '../../host/sysctl.ts'

export interface ConnectionLimits {
  /** Entries for each core of the machine, and at least so many in all. 0: as the machine has it. */
  readonly maxPerCore: number
  readonly min: number
  /** Seconds; 0: as the machine has it. */
  readonly tcpEstablishedSeconds: number
  readonly tcpCloseWaitSeconds: number
}

export const defaultLimits: ConnectionLimits = {
  maxPerCore: 32_768,
  min: 131_072,
  tcpEstablishedSeconds: 86_400,
  tcpCloseWaitSeconds: 3_600,
}

/** The settings to make, by parameter. Pure. */
export const compileLimits = (limits: ConnectionLimits, cores: number): ReadonlyMap<string, number> => {
  const max = limits.maxPerCore === 0 ? 0 : Math.max(limits.min, limits.maxPerCore * cores)
  const all = new Map([
    ['net.netfilter.nf_conntrack_max', max],
    ['net.netfilter.nf_conntrack_tcp_timeout_established', limits.tcpEstablishedSeconds],
    ['net.netfilter.nf_conntrack_tcp_timeout_close_wait', limits.tcpCloseWaitSeconds],
  ])
  return new Map([...all].filter(([, value]) => value > 0))
}

/** Makes them. Room that the machine has beyond that stays; what the kernel refuses (in a container, say) is told. */
export const applyLimits = async (limits: ConnectionLimits, cores: number, log: Logger): Promise<void> => {
  for (const [key, value] of compileLimits(limits, cores)) {
    const current = Number((await readSysctl(key)) ?? Number.NaN)
    if (current === value || (key.endsWith('_max') && current > value)) continue
    await writeSysctl(key, String(value)).catch((error: unknown) =>
      log.info({ err: error, key, current }, 'a limit of connections stays as it is'),
    )
  }
}
