/** The two processes that a lab is made of: the keeper outside, the universe inside. */
import { runKeeper } from '../lab/keeper.ts'
import { readOrders } from '../lab/lifecycle.ts'
import { labPaths } from '../lab/plan.ts'
import { runUniverse } from '../lab/universe.ts'
import { pathWithPodway, podwayWords } from './self.ts'

export const keep = async (file: string): Promise<void> => {
  process.env['PATH'] = pathWithPodway()
  const { plan, home } = await readOrders(file)
  await runKeeper({ plan, paths: labPaths(home, plan.name), podway: podwayWords() })
}

export const universe = async ({
  plan: file,
  apiPort,
}: {
  readonly plan: string
  readonly apiPort: number
}): Promise<void> => {
  const { plan, home } = await readOrders(file)
  await runUniverse({ plan, paths: labPaths(home, plan.name), podway: podwayWords(), machineApiPort: apiPort })
}
