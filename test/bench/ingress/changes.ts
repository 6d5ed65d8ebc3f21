/** How soon a changed Ingress among 5,000 is in effect, while a thousand requests a second run. */

import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { sized } from '../support/size.ts'
import type { Lab } from './support/lab.ts'
import { paced } from './support/load.ts'
import { type Ours, startBackend, startOurs } from './support/proxies.ts'
import { median, quantile, type Row } from './support/results.ts'

const routes = sized(5_000, 500)
const changes = sized(50, 2)
const loadSeconds = sized(12, 2)
const aimMs = 20

const statusOf = (agent: Agent, port: number, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = request({ agent, port, host: '127.0.0.1', headers: { host } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('error', reject).end()
  })

/** Milliseconds from the change to the first answer by it. */
const changeOne = async (agent: Agent, { port, process: proxy }: Ours, at: number): Promise<number> => {
  const host = `new${at}.lab`
  if ((await statusOf(agent, port, host)) !== 404) throw new Error(`${host} is there before its time`)
  const changed = BigInt(String(await proxy.ask({ kind: 'host', route: 100 + at * 7, host })))
  while ((await statusOf(agent, port, host)) !== 200) await pause(1)
  return Number(process.hrtime.bigint() - changed) / 1e6
}

export const measureChanges = async (lab: Lab): Promise<readonly Row[]> => {
  const ours = await startOurs(lab, await startBackend(lab), { routes })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const load = paced(lab, ours.port, loadSeconds)
  await pause(1_000)
  const times: number[] = []
  for (let at = 0; at < changes; at++) {
    times.push(await changeOne(agent, ours, at))
    await pause(100)
  }
  agent.destroy()
  const { done, errors } = await load
  const p99 = quantile(times, 0.99)
  return [
    {
      what: `an Ingress among ${routes} changes, until it is in effect`,
      measured: `p50 ${median(times).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
      ...{ aim: `≤ ${aimMs} ms`, met: p99 <= aimMs },
    },
    { what: 'errors meanwhile', measured: `${errors} of ${done} requests`, aim: '0', met: errors === 0 && done > 0 },
  ]
}
