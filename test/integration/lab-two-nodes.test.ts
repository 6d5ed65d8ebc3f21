/** What people meet in a lab of two nodes, room by room; each leaves the lab to the next as it found it. */
import { join } from 'node:path'
import t from 'tap'
import { until } from '../support/until.ts'
import { root } from './support/lab.ts'
import { dns } from './two-node-lab/dns.ts'
import { ingress } from './two-node-lab/ingress.ts'
import { kubectl, kubectlJson, run } from './two-node-lab/lab.ts'
import { logs } from './two-node-lab/logs.ts'
import { moves } from './two-node-lab/moves.ts'
import { network } from './two-node-lab/network.ts'
import { services } from './two-node-lab/services.ts'
import { usage } from './two-node-lab/usage.ts'
import { volumes } from './two-node-lab/volumes.ts'

t.setTimeout(480_000)

const rooms = { network, usage, logs, ingress, services, dns, volumes, moves }

const podNames = async (): Promise<readonly string[]> => {
  const { items } = await kubectlJson<{ items: readonly { metadata: { name: string } }[] }>('get', 'pods')
  return items.map(({ metadata }) => metadata.name)
}

t.test('a lab of two nodes', { timeout: 460_000 }, async (t) => {
  t.teardown(() => run('lab', 'down').catch(() => undefined))
  await run('lab', 'up', '--nodes', '2')
  await kubectl('apply', '-f', join(root, 'examples/demo.yaml'))
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
  for (const [name, room] of Object.entries(rooms)) {
    await t.test(name, { timeout: 180_000 }, room)
    await until(async () => (await podNames()).length === 3, `the pods of the demo alone after ${name}`, 60_000)
  }
})
