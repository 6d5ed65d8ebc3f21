/**
 * 10,000 Services of two endpoints each in a lab of one node, through the API: what they cost the agent and the control
 * plane in memory, and how long a change of one endpoint takes from the API to the kernel's rules.
 *   node_modules/.bin/node test/bench/services.ts [SERVICES=10000]
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from '../../src/api/client.ts'
import { createHttpTransport } from '../../src/api/http-transport.ts'
import { readKubeconfig } from '../../src/api/kubeconfig.ts'
import { endpointSlices, services } from '../../src/api/resources.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { residentBytes } from '../../src/host/process.ts'
import { until } from '../support/until.ts'
import { sized } from './support/size.ts'

const count = Number(process.argv[2] ?? sized(10_000, 50))
const atOnce = 32
const settleMs = sized(10_000, 100)
const root = join(import.meta.dirname, '../..')
const runner = createCommandRunner()
const home = await mkdtemp(join(tmpdir(), 'pw-'))
process.env['PODWAY_HOME'] = home
const podway = (...args: readonly string[]): Promise<string> => runner.run(join(root, 'podway'), args)

const slice = (n: number, last: number) => ({
  metadata: { name: `web-${n}`, namespace: 'default', labels: { 'kubernetes.io/service-name': `web-${n}` } },
  addressType: 'IPv4' as const,
  endpoints: [{ addresses: [`10.3.${n >> 8}.${n & 255}`] }, { addresses: [`10.2.${last}.${n & 255}`] }],
  ports: [{ name: '', port: 8080, protocol: 'TCP' as const }],
})

interface Host {
  readonly role: string
  readonly daemon: { readonly pid: number }
}

/** Megabytes of a daemon: resident, and what is its own (not pages of the program that all share). */
const memoryOf = async (role: string): Promise<number> => {
  const { hosts } = JSON.parse(await podway('lab', 'status', '-o', 'json')) as { readonly hosts: readonly Host[] }
  const pid = hosts.find((host) => host.role === role)?.daemon.pid ?? 0
  return Math.round(((await residentBytes(pid)) ?? 0) / 1e6)
}

/** The sum over all labels: of both IP families and all tables. */
const metric = async (name: string): Promise<number> => {
  const text = await podway('lab', 'exec', 'node1', '--', 'podway', 'fetch', 'http://127.0.0.1:10249/metrics')
  const lines = text.matchAll(new RegExp(`^kubeproxy_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0)
}

try {
  await podway('lab', 'up', '--nodes', '1')
  await pause(settleMs)
  const [agentIdle, controlIdle] = [await memoryOf('node'), await memoryOf('control')]
  const transport = createHttpTransport(await readKubeconfig(join(home, 'labs/lab/kubeconfig')))
  const client = createClient(transport)
  const began = performance.now()
  const numbers = Array.from({ length: count }, (_, n) => n).values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const n of numbers) {
        const metadata = { name: `web-${n}`, namespace: 'default' }
        await client.create(services, { metadata, spec: { ports: [{ port: 80, targetPort: 8080 }] } })
        await client.create(endpointSlices, slice(n, 0))
      }
    }),
  )
  const seconds = (performance.now() - began) / 1000
  const rules = async () => metric('sync_proxy_rules_iptables_total')
  await until(async () => (await rules()) > count, 'rules', 60_000)
  await pause(settleMs)
  console.log(
    JSON.stringify(
      {
        services: count,
        'created through the API, a second': Math.round((2 * count) / seconds),
        'agent, MB resident, idle': agentIdle,
        'agent, MB more with all Services': (await memoryOf('node')) - agentIdle,
        'control plane, MB resident, idle': controlIdle,
        'control plane, MB more with all Services': (await memoryOf('control')) - controlIdle,
      },
      undefined,
      2,
    ),
  )
  await transport.close()
} finally {
  await podway('lab', 'down').catch(() => undefined)
  await rm(home, { recursive: true, force: true })
}
