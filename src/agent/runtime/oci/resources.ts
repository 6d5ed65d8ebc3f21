/** From what a container may use to the settings of its control group. Pure. */
import type { ContainerLimits } from '../containers.ts'
import { cpuQuota, cpuShares, pageName } from '../limit-units.ts'
import type { OciDeviceRule, OciResources } from './config-types.ts'

const usualDevices: readonly OciDeviceRule[] = [
  { allow: false, access: 'rwm' },
  // null, zero, full, random, urandom, tty: what runtimes give to everybody.
  ...[3, 5, 7, 8, 9].map((minor) => ({ allow: true, type: 'c' as const, major: 1, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 5, minor: 0, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' },
  { allow: true, type: 'c', major: 136, access: 'rwm' },
]

/** Who may use which devices: the usual ones, or all. `more` are those that the pod was given. */
export const deviceRules = (privileged: boolean, more: readonly OciDeviceRule[]): readonly OciDeviceRule[] =>
  privileged ? [{ allow: true, access: 'rwm' }] : [...usualDevices, ...more]

export const ociResources = (
  { memoryBytes, cpuMilli, cpuRequestMilli, pids, hugepages = new Map() }: ContainerLimits,
  devices: readonly OciDeviceRule[],
): OciResources => ({
  devices,
  ...(memoryBytes === undefined ? {} : { memory: { limit: memoryBytes } }),
  cpu: {
    shares: cpuShares(cpuRequestMilli ?? cpuMilli ?? 0),
    ...(cpuMilli === undefined ? {} : cpuQuota(cpuMilli)),
  },
  ...(pids === undefined ? {} : { pids: { limit: pids } }),
  ...(hugepages.size === 0
    ? {}
    : { hugepageLimits: [...hugepages].map(([size, limit]) => ({ pageSize: pageName(size), limit })) }),
})
