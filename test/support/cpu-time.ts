/** What work costs this process, or another one, whatever else the machine has to do meanwhile. */
import { readFileSync } from 'node:fs'

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

const ticksPerSecond = 100

/** Seconds of processor time that a process has had since it began. */
export const cpuSecondsOf = (pid: number): number => {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}
