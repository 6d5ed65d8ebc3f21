/** Asks the agents of nodes what is used there, when somebody wants to know: nobody is asked while nobody does. */

import type { Clock } from '../../api/clock.ts'
import { errorText } from '../../api/errors.ts'
import type { Logger } from '../../host/log.ts'
import { readWhole } from '../../host/read-whole.ts'
import { requestOver } from '../dial/agent-request.ts'
import type { Dialer } from '../dial/dialer.ts'
import { type NodeReading, readSummary } from './summary.ts'

export interface NodeReadings {
  /** Undefined when its agent does not answer, of which the log tells. */
  of(node: string): Promise<NodeReading | undefined>
}

export interface NodeReadingsOptions {
  readonly dialer: Dialer
  readonly clock: Clock
  readonly log: Logger
  /** One that does not answer delays nobody for longer. */
  readonly patienceMs?: number
}

/** An answer is good for so long, a failure too. Agents measure as often. */
const freshMs = 5_000
const forgetMs = 60_000
const usualPatienceMs = 3_000
const answerLimit = 4 * 1024 * 1024

const path = '/stats/summary?only_cpu_and_memory=true'

const ask = async (dialer: Dialer, node: string, patienceMs: number): Promise<NodeReading> => {
  const signal = AbortSignal.timeout(patienceMs)
  const connection = await dialer.open(node, signal)
  const { code, body } = await requestOver(connection, { method: 'GET', path, headers: { host: node } }, signal)
  const said = await readWhole(body, answerLimit)
  if (code !== 200) throw new Error(`it answers ${code}: ${said.slice(0, 256)}`)
  return readSummary(JSON.parse(said))
}

interface Kept {
  readonly at: number
  readonly reading: Promise<NodeReading | undefined>
}

export const createNodeReadings = (options: NodeReadingsOptions): NodeReadings => {
  const { dialer, clock, log, patienceMs = usualPatienceMs } = options
  const kept = new Map<string, Kept>()
  const told = new Map<string, string>()

  const read = async (node: string): Promise<NodeReading | undefined> => {
    try {
      const reading = await ask(dialer, node, patienceMs)
      told.delete(node)
      return reading
    } catch (error) {
      const why = errorText(error)
      if (told.get(node) !== why) log.warn({ node, err: why }, 'cannot read the resource usage of a node')
      told.set(node, why)
      return undefined
    }
  }

  const forgetOld = (now: number): void => {
    for (const [node, { at }] of kept)
      if (now - at > forgetMs) {
        kept.delete(node)
        told.delete(node)
      }
  }

  return {
    of: (node) => {
      const now = clock.now()
      const known = kept.get(node)
      if (known && now - known.at < freshMs) return known.reading
      forgetOld(now)
      const asked = { at: now, reading: read(node) }
      kept.set(node, asked)
      return asked.reading
    },
  }
}
