/**
 * Queries a second for cluster names and how long they take, beside unbound, dnsmasq and a server of the dns2 library over the
 * same names; and how soon a changed Service is answered.
 *   node_modules/.bin/node test/bench/dns.ts [SERVICES=1000]
 * Each server is a process on one core of 127.0.0.1, dnsperf on another. Rounds alternate; medians.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCommandRunner } from '../../src/host/command.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'
import { sized } from './support/size.ts'

const count = Number(process.argv[2] ?? sized(1_000, 20))
const rounds = sized(3, 1)
const seconds = String(sized(3, 1))
const pacedQueries = String(sized(20_000, 200))
const runner = createCommandRunner()
const folder = await mkdtemp(join(tmpdir(), 'podway-bench-'))
const names = Array.from({ length: count }, (_, n) => `s${n}.default.svc.cluster.local`)
const addressOf = (n: number): string => `10.96.${n >> 8}.${n & 255}`

/** With two cores, servers have one and the client the other. */
const onCore = (core: number): readonly string[] => (availableParallelism() > 1 ? ['taskset', '-c', String(core)] : [])

const start = (words: readonly string[]): ChildProcess => {
  const [file = '', ...args] = [...onCore(0), ...words]
  return spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

interface Server {
  readonly name: string
  readonly port: number
  readonly stop: () => void
}

const startNode = async (name: string, file: string): Promise<Server> => {
  const child = start([process.execPath, join(import.meta.dirname, file), String(count)])
  if (!child.stdout) throw new Error('no output')
  const [said] = await once(child.stdout, 'data')
  return { name, port: Number(String(said)), stop: () => child.kill() }
}

const queryFile = join(folder, 'queries')
await writeFile(queryFile, names.map((name) => `${name} A`).join('\n'))

const dnsperf = async (port: number, ...more: readonly string[]): Promise<string> => {
  // Into a file: who reads thousands of lines meanwhile would take the server's core.
  const output = join(folder, 'output')
  const words = ['dnsperf', '-s', '127.0.0.1', '-p', String(port), '-d', queryFile, '-l', seconds, '-c', '8', ...more]
  await runner.run('sh', ['-c', `exec "$@" >${output}`, 'sh', ...onCore(1), ...words])
  return readFile(output, 'utf8')
}

const answers = (port: number): Promise<boolean> =>
  runner
    .run('dnsperf', ['-s', '127.0.0.1', '-p', String(port), '-d', queryFile, '-n', '1', '-l', '1', '-Q', '10'])
    .then((text) => /completed: +[1-9]/.test(text))

const startUnbound = async (): Promise<Server> => {
  const port = await freePort()
  const data = names.map((name, n) => `local-data: "${name}. 30 A ${addressOf(n)}"`).join('\n')
  const file = join(folder, 'unbound.conf')
  await writeFile(
    file,
    `server:
interface: 127.0.0.1
port: ${port}
num-threads: 1
do-daemonize: no
username: ""
chroot: ""
use-syslog: no
logfile: ""
pidfile: ""
access-control: 127.0.0.0/8 allow
local-zone: "cluster.local." static
${data}
remote-control:
control-enable: no
`,
  )
  const child = start(['unbound', '-d', '-c', file])
  await until(() => answers(port), 'unbound')
  return { name: 'unbound', port, stop: () => child.kill() }
}

const startDnsmasq = async (): Promise<Server> => {
  const port = await freePort()
  const file = join(folder, 'dnsmasq.conf')
  await writeFile(file, names.map((name, n) => `host-record=${name},${addressOf(n)},30`).join('\n'))
  const child = start([
    ...['dnsmasq', '--keep-in-foreground', `--conf-file=${file}`, `--port=${port}`, '--listen-address=127.0.0.1'],
    ...['--bind-interfaces', '--no-resolv', '--no-hosts', '--pid-file=', '--user=', '--group='],
  ])
  await until(() => answers(port), 'dnsmasq')
  return { name: 'dnsmasq', port, stop: () => child.kill() }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const perSecond = async ({ port }: Server): Promise<number> =>
  Number(/Queries per second: +([\d.]+)/.exec(await dnsperf(port, '-q', '100'))?.[1])

/** Milliseconds, at so many queries a second. */
const p99 = async ({ port }: Server): Promise<number> => {
  const text = await dnsperf(port, '-Q', pacedQueries, '-v')
  const times = [...text.matchAll(/^> NOERROR \S+ \S+ ([\d.]+)$/gm)].map(([, time]) => Number(time) * 1000)
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN
}

const servers: Server[] = []
try {
  servers.push(await startNode('podway', 'dns-ours.ts'), await startUnbound(), await startDnsmasq())
  servers.push(await startNode('dns2', 'dns-peer.ts'))
  const seen = new Map(servers.map(({ name }) => [name, { rates: [] as number[], p99s: [] as number[] }]))
  for (let round = 0; round < rounds; round++)
    for (const server of servers) {
      seen.get(server.name)?.rates.push(await perSecond(server))
      // dns2 does not reach that rate.
      if (server.name !== 'dns2') seen.get(server.name)?.p99s.push(await p99(server))
    }
  const ours = median(seen.get('podway')?.rates ?? [])
  for (const [name, { rates, p99s }] of seen)
    console.log(
      [
        name.padEnd(8),
        `${Math.round(median(rates))} queries/s`.padStart(18),
        `podway is ${(ours / median(rates)).toFixed(2)} of it`,
        p99s.length > 0 ? `p99 ${median(p99s).toFixed(2)} ms at ${pacedQueries} queries/s` : '',
      ].join('   '),
    )
} finally {
  for (const { stop } of servers) stop()
  await rm(folder, { recursive: true })
}
