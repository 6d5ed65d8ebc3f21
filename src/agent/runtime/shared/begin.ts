/** Beginning processes of a pod that wait for `go`, so that none ever runs that is not on record. */
import type { DetachedProcess } from '../../../host/detached.ts'
import { identify, type ProcessId, signalProcess } from '../../../host/process.ts'

export const answerTimeoutMs = 30_000

/** What programs of ours see; containers get their own environment. */
export const toolEnv = (): Record<string, string> => ({ PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin' })

/** Throws when it has died already. */
export const identified = async (pid: number, what: string): Promise<ProcessId> => {
  const id = await identify(pid)
  if (!id) throw new Error(`${what} died while it was started`)
  return id
}

/** What it says until it says no more, when the first line was not the expected one. */
export const complaint = async (child: DetachedProcess, first: string | undefined): Promise<string> => {
  const said = first === undefined ? [] : [first]
  for (
    let line = await child.readLine(answerTimeoutMs);
    line !== undefined;
    line = await child.readLine(answerTimeoutMs)
  )
    said.push(line)
  return said.join('; ') || 'it ended without a word'
}

/** On any failure nothing of the started process is left. */
export const orKill = async <T>(child: DetachedProcess, start: () => Promise<T>): Promise<T> => {
  try {
    return await start()
  } catch (error) {
    signalProcess(-child.pid, 'SIGKILL')
    throw error
  } finally {
    child.release()
  }
}
