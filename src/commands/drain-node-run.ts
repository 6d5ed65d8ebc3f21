import { setTimeout as wait } from 'node:timers/promises'
import { cancelShutdown, readBootID, readProgress, shutdownFile, writeShutdown } from '../agent/shutdown/request.ts'
import { print } from '../host/terminal.ts'
import type { DrainNodeOptions } from './drain-node.ts'
import { createProgress } from './progress.ts'
import { UsageError } from './usage-error.ts'

const lookMs = 200
/** For what comes after the last container. */
const tidyMs = 5_000

export const drainNode = async ({ grace, critical, state, cancel }: DrainNodeOptions): Promise<void> => {
  const file = shutdownFile(state)
  if (cancel) {
    await cancelShutdown(file)
    print('this node takes pods again')
    return
  }
  if (critical > grace) throw new UsageError(`--critical ${critical}s: expected no more than --grace, ${grace}s`)
  const startedAt = Date.now()
  const times = { startedAt, graceMs: grace * 1000, criticalMs: critical * 1000 }
  const step = createProgress().step('ending pods')
  await writeShutdown(file, { ...times, bootID: await readBootID() })
  const deadline = startedAt + times.graceMs + tidyMs
  const left = (): Promise<readonly string[] | undefined> => readProgress(file, startedAt)
  let running = await left()
  for (; running?.length !== 0 && Date.now() < deadline; running = await left()) {
    step.update(running ? `${running.length} running` : 'waiting for the agent')
    await wait(lookMs)
  }
  if (running?.length !== 0) {
    step.failed()
    throw new Error(
      running
        ? `pods still run: ${running.join(', ')}`
        : `the agent has said nothing: see whether it runs, and works in ${state} (--state)`,
    )
  }
  step.done()
  print('no pod runs here any longer, and none is taken until the machine has started again (or --cancel)')
}
