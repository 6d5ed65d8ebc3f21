/** What ten thousand WebSockets that rest cost: the memory of the proxy for each. */

import { setTimeout as pause } from 'node:timers/promises'
import { sized } from '../support/size.ts'
import { fileLimit, type Lab, residentBytes } from './support/lab.ts'
import { type Contender, hostOf, startNginx, startOurs } from './support/proxies.ts'
import type { Row } from './support/results.ts'

const aimBytes = 25_000
/** Files that a proxy has open besides. */
const otherFiles = 200

/** Until memory has settled. */
const settleMs = sized(1_500, 50)

const perConnection = async (lab: Lab, proxy: Contender, count: number): Promise<number> => {
  const client = await lab.help('around', 'upgraders.ts', { port: proxy.port, host: hostOf(3) })
  // A few first: what is there once does not count.
  await client.ask({ open: 100 })
  await pause(settleMs)
  const before = await residentBytes(proxy.process.pid)
  await client.ask({ open: count - 100 })
  await pause(settleMs)
  const after = await residentBytes(proxy.process.pid)
  await client.stop()
  await proxy.process.stop()
  return (after - before) / (count - 100)
}

export const measureSockets = async (lab: Lab): Promise<readonly Row[]> => {
  const count = Math.min(sized(10_000, 120), Math.floor(((await fileLimit()) - otherFiles) / 2))
  const { said: backend } = await lab.help<number>('around', 'switcher.ts', {})
  const ours = await perConnection(lab, await startOurs(lab, backend), count)
  const theirs = await perConnection(lab, await startNginx(lab, 'nginx', backend), count)
  const what = `memory of each of ${count} idle WebSockets`
  return [
    {
      ...{ what, measured: `${(ours / 1000).toFixed(1)} kB, nginx ${(theirs / 1000).toFixed(1)} kB` },
      ...{ aim: `≤ ${aimBytes / 1000} kB`, met: ours <= aimBytes },
    },
  ]
}
