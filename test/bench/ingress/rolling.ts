/** A rolling update: endpoints are replaced one by one while a thousand requests a second run. */

import { setTimeout as pause } from 'node:timers/promises'
import { sized } from '../support/size.ts'
import type { Lab } from './support/lab.ts'
import { paced } from './support/load.ts'
import { startOurs } from './support/proxies.ts'
import type { Row } from './support/results.ts'

const pods = 10
const replacements = sized(50, 3)
const everyMs = 100
const loadSeconds = sized(8, 2)

const addressOf = (pod: number): string => `127.0.${1 + (pod >> 7)}.${1 + (pod & 127)}`

export const measureRolling = async (lab: Lab): Promise<readonly Row[]> => {
  let addresses = Array.from({ length: pods }, (_, pod) => addressOf(pod))
  const backend = await lab.help<number>('around', 'pods.ts', { addresses })
  const ours = await startOurs(lab, backend.said, { addresses })
  const load = paced(lab, ours.port, loadSeconds)
  await pause(1_000)
  for (let at = 0; at < replacements; at++) {
    const [old = '', ...others] = addresses
    const added = addressOf(pods + at)
    addresses = [...others, added]
    await backend.ask({ start: added })
    await ours.process.ask({ kind: 'endpoints', addresses })
    await backend.ask({ stop: old })
    await pause(everyMs)
  }
  const { done, errors } = await load
  return [
    {
      what: `${replacements} endpoints replaced one by one, errors`,
      ...{ measured: `${errors} of ${done} requests`, aim: '0', met: errors === 0 && done > 0 },
    },
  ]
}
