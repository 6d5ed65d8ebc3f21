/**
 * An agent that starts while another one runs on the same node takes its place: it answers DNS before the other one ends, so
 * that an upgrade loses no query, and does nothing else before.
 */
import { join } from 'node:path'
import { sleep } from '../api/clock.ts'
import { jsonOf, readOrSetAside } from '../host/durable-file.ts'
import { writeFileAtomic } from '../host/files.ts'
import type { Logger } from '../host/log.ts'
import { identify, isRunning, type ProcessId, signalProcess } from '../host/process.ts'

/** An agent that ends politely has this long. */
const graceMs = 15_000
const pollMs = 50

const fileOf = (stateDir: string): string => join(stateDir, 'agent.json')

const isProcessId = (value: unknown): value is ProcessId =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as ProcessId).pid === 'number' &&
  typeof (value as ProcessId).startTime === 'string'

/** The agent that runs on this node now; undefined when none does, or when the file that names it is damaged. */
export const findPredecessor = async (stateDir: string, log: Logger): Promise<ProcessId | undefined> => {
  const found = await readOrSetAside(fileOf(stateDir), jsonOf('the process of an agent', isProcessId), (message) =>
    log.warn(message),
  )
  return found && found.pid !== process.pid && (await isRunning(found)) ? found : undefined
}

/** Ends the other agent, and waits until it is gone. */
export const takeOver = async (predecessor: ProcessId, log: Logger): Promise<void> => {
  log.info({ pid: predecessor.pid }, 'taking the place of the agent that runs here')
  signalProcess(predecessor.pid, 'SIGTERM')
  for (const deadline = Date.now() + graceMs; await isRunning(predecessor); await sleep(pollMs))
    if (Date.now() > deadline) {
      log.warn({ pid: predecessor.pid }, 'it does not end: killing it')
      signalProcess(predecessor.pid, 'SIGKILL')
      return
    }
}

/** From now on this process is the node's agent. */
export const becomeAgent = async (stateDir: string): Promise<void> =>
  writeFileAtomic(fileOf(stateDir), JSON.stringify(await identify(process.pid)))
