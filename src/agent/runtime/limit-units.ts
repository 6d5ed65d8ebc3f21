/** What containers may use, in the units of the kernel's control groups. Pure. */

const periodUs = 100_000
const minQuotaUs = 1_000
const minShares = 2
const maxShares = 262_144

/** As the kubelet does: 1024 for a whole CPU. */
export const cpuShares = (milli: number): number =>
  Math.min(maxShares, Math.max(minShares, Math.floor((milli * 1024) / 1000)))

/** So much of each period, in microseconds. */
export const cpuQuota = (milli: number): { readonly quota: number; readonly period: number } => ({
  quota: Math.max(minQuotaUs, Math.floor((milli * periodUs) / 1000)),
  period: periodUs,
})

/** As the kernel names its hugetlb files: `2MB`, `1GB`, `64KB`. */
export const pageName = (bytes: number): string => {
  const [unit, size] = (
    [
      ['GB', 1 << 30],
      ['MB', 1 << 20],
      ['KB', 1 << 10],
    ] as const
  ).find(([, each]) => bytes >= each) ?? ['KB', 1 << 10]
  return `${Math.floor(bytes / size)}${unit}`
}
