/** A node that has lost its leases takes them from its pods: what a living one has is given to no other. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { createFileLeaseStore, type Lease } from '../../src/ipam/lease-store.ts'
import { damageNames, damages } from '../support/damage.ts'
import { runNetwork } from './support/cni-runtime.ts'
import { podwayNetwork, resetNamespace } from './support/cni-world.ts'
import { createHost, ip } from './support/hosts.ts'

t.setTimeout(120_000)
const leaseFile = '/run/recovered-leases.json'
/** Small, so that a search for a free address soon comes around. */
const subnet = '10.90.0.0/28'

const startAgent = async (): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../support/cni-child.ts'), subnet, leaseFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (child.stdout) await once(child.stdout, 'data')
  return child
}

const held = async () =>
  (await createFileLeaseStore(leaseFile).load())
    .filter(({ freed }) => freed === undefined)
    .map(({ owner, addresses }: Lease) => `${owner} ${addresses}`)
    .sort()

t.teardown(resetNamespace)

t.test('leases from the network', async (t) => {
  await ip(['link add under9 type veth peer name under8', 'address add 172.31.9.1/24 dev under9', 'link set under9 up'])
  const box = await createHost('box')
  const other = await createHost('other')
  const network = await podwayNetwork()
  const placeOf = (name: string, at: number) => ({
    ...{ containerId: `${name}-${at}`, ifname: `eth${at}`, netns: `/run/netns/${name}` },
  })
  let agent = await startAgent()
  t.teardown(async () => {
    agent.kill('SIGKILL')
    await box.close()
    await other.close()
  })
  const add = async (name: string, at: number): Promise<void> => {
    const { failure } = await runNetwork(network, { command: 'ADD', ...placeOf(name, at) })
    t.equal(failure, undefined)
  }
  for (const at of [0, 1, 2]) await add('box', at)
  for (const at of [0, 1]) await add('other', at)

  for (const damage of damageNames) {
    const before = await held()
    agent.kill('SIGKILL')
    await once(agent, 'exit')
    damages[damage](leaseFile)
    agent = await startAgent()
    // The first that asks makes the file: after the last address the search comes around to those that are held.
    for (let n = 0; n < 9; n++) {
      await add('box', 9)
      const { failure } = await runNetwork(network, { command: 'DEL', ...placeOf('box', 9) })
      t.equal(failure, undefined)
    }
    t.same(await held(), before, `the file was ${damage}`)
  }

  await t.test('one whose addresses cannot be found is taken off the network', async (t) => {
    await box.runner.run('ip', ['address', 'flush', 'dev', 'eth1'])
    agent.kill('SIGKILL')
    await once(agent, 'exit')
    damages.garbage(leaseFile)
    agent = await startAgent()
    await add('other', 8)
    t.notOk((await held()).some((lease) => lease.includes('box-1/')))
    await t.rejects(box.runner.run('ip', ['link', 'show', 'dev', 'eth1']), 'its link is gone')
    await box.runner.run('ip', ['link', 'show', 'dev', 'eth0'])
  })
})
