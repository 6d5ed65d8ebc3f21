/** From what a container may use to the settings of its control group. Pure. */
import type { ContainerLimits } from '../containers.ts'
import type { OciDeviceRule, OciResources } from './config-types.ts'

const periodUs = 100_000
const minQuotaUs = 1_000
const minShares = 2
const maxShares = 262_144

/** As the kubelet does: 1024 for a whole CPU. */
export const cpuShares = (milli: number): number =>
  Math.min(maxShares, Math.max(minShares, Math.floor((milli * 1024) / 1000)))

/** As the kernel names its hugetlb files: `2MB`, `1GB`, `64KB`. */
const pageName = (bytes: number): string => {
  const [unit, size] = (
    [
      ['GB', 1 << 30],
      ['MB', 1 << 20],
      ['KB', 1 << 10],
    ] as const
  ).find(([, each]) => bytes >= each) ?? ['KB', 1 << 10]
  return `${Math.floor(bytes / size)}${unit}`
}

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
    ...(cpuMilli === undefined
      ? {}
      : { quota: Math.max(minQuotaUs, Math.floor((cpuMilli * periodUs) / 1000)), period: periodUs }),
  },
  ...(pids === undefined ? {} : { pids: { limit: pids } }),
  ...(hugepages.size === 0
    ? {}
    : { hugepageLimits: [...hugepages].map(([size, limit]) => ({ pageSize: pageName(size), limit })) }),
})
