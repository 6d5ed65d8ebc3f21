/** HTTP/1.1: requests a second and how long the slowest take, beside nginx, HAProxy and a proxy of node:http and undici. */

import { sized } from '../support/size.ts'
import { type Lab, processorMicros } from './support/lab.ts'
import { type Load, wrk } from './support/load.ts'
import { type Contender, startBackend, startHaproxy, startNginx, startOurs, startUndici } from './support/proxies.ts'
import { atLeast, atMost, best, median, type Row } from './support/results.ts'

const rounds = sized(4, 1)
const seconds = sized(2, 1)

interface Round extends Load {
  /** Processor time of the proxy for each request: it says the same whoever else uses the machine. */
  readonly micros: number
}

const rateOf = (all: readonly Round[]): number => best(all.map(({ perSecond }) => perSecond))
const p99Of = (all: readonly Round[]): number => Math.min(...all.map(({ p99Ms }) => p99Ms))
const microsOf = (all: readonly Round[]): number => median(all.map(({ micros }) => micros))

const measureOne = async (lab: Lab, { port, process: proxy }: Contender): Promise<Round> => {
  const before = await processorMicros(proxy.pid)
  const load = await wrk(lab, port, seconds)
  return { ...load, micros: ((await processorMicros(proxy.pid)) - before) / (load.perSecond * seconds) }
}

export const measureHttp = async (lab: Lab): Promise<readonly Row[]> => {
  const backend = await startBackend(lab)
  const ours = await startOurs(lab, backend)
  const nginx = await startNginx(lab, 'nginx', backend)
  const haproxy = await startHaproxy(lab, backend)
  const peer = await startUndici(lab, backend)
  const proxies: readonly Contender[] = [ours, nginx, haproxy, peer]
  const seen = new Map(proxies.map((proxy) => [proxy, [] as Round[]]))
  for (const { port } of proxies) await wrk(lab, port, seconds)
  for (let round = 0; round < rounds; round++)
    for (const proxy of proxies) seen.get(proxy)?.push(await measureOne(lab, proxy))
  const of = (proxy: Contender): readonly Round[] => seen.get(proxy) ?? []
  const ratio = (proxy: Contender): number => rateOf(of(ours)) / rateOf(of(proxy))
  return [
    ...proxies.map((proxy) => ({
      what: `HTTP/1.1, ${proxy.name}`,
      measured: [
        `${Math.round(rateOf(of(proxy)))} requests/s`,
        `p99 ${p99Of(of(proxy)).toFixed(2)} ms`,
        `${microsOf(of(proxy)).toFixed(1)} µs of processor time each`,
      ].join(', '),
    })),
    atLeast('HTTP/1.1 requests/s', ratio(nginx), 0.85, 'nginx'),
    atLeast('HTTP/1.1 requests/s', ratio(peer), 1.5, peer.name),
    { what: 'HTTP/1.1 requests/s', measured: `${ratio(haproxy).toFixed(2)} × haproxy` },
    atMost('HTTP/1.1 p99', p99Of(of(ours)) / p99Of(of(nginx)), 1.5, 'nginx'),
  ]
}
