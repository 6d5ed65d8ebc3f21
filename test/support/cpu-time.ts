/** What work costs this process, whatever else the machine has to do meanwhile. */

/** Milliseconds of processor time since `work` began, until its promise resolves. */
export const cpuMs = async (work: () => unknown): Promise<number> => {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** The least of three. */
export const leastCpuMs = async (work: () => unknown): Promise<number> =>
  Math.min(await cpuMs(work), await cpuMs(work), await cpuMs(work))
