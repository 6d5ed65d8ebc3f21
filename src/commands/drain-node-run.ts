import { setTimeout as wait } from 'node:timers/promises'
import { runtimeDirs } from '../agent/runtime/runtime-names.ts'
import { createStateStore, isAnyContainer } from '../agent/runtime/shared/state.ts'
import { cancelShutdown, hasEnded, readBootID, shutdownFile, writeShutdown } from '../agent/shutdown/request.ts'
import { isRunning } from '../host/process.ts'
import { print } from '../host/terminal.ts'
import type { DrainNodeOptions } from './drain-node.ts'
import { createProgress } from './progress.ts'
import { UsageError } from './usage-error.ts'

const lookMs = 200
/** For what comes after the last container. */
const tidyMs = 5_000

/** The pods of which something runs, as `namespace/name`. */
const runningPods = async (stateDir: string): Promise<readonly string[]> => {
  const stores = runtimeDirs(stateDir).map((folder) => createStateStore(folder, isAnyContainer))
  const sandboxes = (await Promise.all(stores.map((store) => store.load()))).flat()
  const running: string[] = []
  for (const { spec, process } of sandboxes)
    if (process && (await isRunning(process))) running.push(`${spec.namespace}/${spec.name}`)
  return running.sort()
}

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
  while (!(await hasEnded(file, startedAt)) && Date.now() < deadline) {
    step.update(`${(await runningPods(state)).length} running`)
    await wait(lookMs)
  }
  if (!(await hasEnded(file, startedAt))) {
    step.done('failed')
    const left = await runningPods(state)
    const what =
      left.length > 0 ? `pods still run: ${left.join(', ')}` : 'the agent has not said that all pods have ended'
    throw new Error(`${what}: see whether it runs, and works in ${state} (--state)`)
  }
  step.done()
  print('no pod runs here any longer, and none is taken until the machine has started again (or --cancel)')
}
