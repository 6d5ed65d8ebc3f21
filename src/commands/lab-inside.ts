/** The two processes that a lab is made of: the keeper outside, the universe inside. */
import { readFile } from 'node:fs/promises'
import { runKeeper } from '../lab/keeper.ts'
import type { LabOrders } from '../lab/lifecycle.ts'
import { labPaths } from '../lab/plan.ts'
import { runUniverse } from '../lab/universe.ts'
import { pathWithPodway, podwayWords } from './self.ts'

const ordersOf = async (file: string): Promise<LabOrders> => JSON.parse(await readFile(file, 'utf8')) as LabOrders

export const keep = async (file: string): Promise<void> => {
  process.env['PATH'] = pathWithPodway()
  const { plan, home } = await ordersOf(file)
  await runKeeper({ plan, paths: labPaths(home, plan.name), podway: podwayWords() })
}

export const universe = async ({
  plan: file,
  apiPort,
}: {
  readonly plan: string
  readonly apiPort: number
}): Promise<void> => {
  const { plan, home } = await ordersOf(file)
  await runUniverse({ plan, paths: labPaths(home, plan.name), podway: podwayWords(), machineApiPort: apiPort })
}
