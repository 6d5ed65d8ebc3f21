/** Kill -9 of the agent in the middle of ADD and DEL: nothing leaks, and nobody has what is another's. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { createFileLeaseStore } from '../../src/ipam/lease-store.ts'
import { linkName } from '../../src/overlay/pod-links.ts'
import { rounds, seedOr } from '../support/rounds.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { until } from '../support/until.ts'
import { runNetwork } from './support/cni-runtime.ts'
import { podwayNetwork, resetNamespace } from './support/cni-world.ts'
import { createHost, ip } from './support/hosts.ts'

const runner = createCommandRunner()
const subnet = '10.90.0.0/24'
const leaseFile = '/run/kill-leases.json'
const kills = rounds(8, 150)
const places = 6

const startAgent = async (): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../support/cni-child.ts'), subnet, leaseFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  if (child.stdout) await once(child.stdout, 'data')
  return child
}

t.teardown(resetNamespace)

const heldBy = async () => (await createFileLeaseStore(leaseFile).load()).filter(({ freed }) => freed === undefined)

const links = async (): Promise<readonly string[]> =>
  [...(await runner.run('ip', ['-brief', 'link'])).matchAll(/^(pw[0-9a-f]{13})/gm)].map(([, name = '']) => name)

t.test(`killed ${kills} times`, { timeout: 600_000 }, async (t) => {
  await ip(['link add under9 type veth peer name under8', 'address add 172.31.9.1/24 dev under9', 'link set under9 up'])
  const host = await createHost('box')
  t.teardown(() => host.close())
  const random = createSeededRandom(seedOr(11))
  const whereOf = (at: number) => ({ containerId: `box-${at}`, ifname: `eth${at}`, netns: '/run/netns/box' })
  for (let round = 0; round < kills; round++) {
    const agent = await startAgent()
    const network = await podwayNetwork()
    const kill = new Promise<void>((resolve) =>
      setTimeout(() => {
        agent.kill('SIGKILL')
        resolve()
      }, random.below(120)),
    )
    const ended = once(agent, 'exit')
    // As a runtime does it: DEL after an ADD that failed, and again until it succeeds.
    await Promise.all(
      Array.from({ length: places }, async (_, at) => {
        const command = random.below(2) === 0 ? 'ADD' : 'DEL'
        const { failure } = await runNetwork(network, { command, ...whereOf(at) })
        if (failure && command === 'ADD') await runNetwork(network, { command: 'DEL', ...whereOf(at) })
      }),
    )
    await kill
    await ended
    const addresses = (await heldBy()).map(({ addresses: [address] }) => address)
    if (new Set(addresses).size !== addresses.length) t.fail('an address is held twice')
  }

  const agent = await startAgent()
  const network = await podwayNetwork()
  const agree = async () => {
    const owners = (await heldBy()).map(({ owner }) => linkName(owner)).sort()
    return JSON.stringify(owners) === JSON.stringify([...(await links())].sort())
  }
  await until(agree, 'leases and links to agree after the last start')
  for (let at = 0; at < places; at++) {
    t.same((await runNetwork(network, { command: 'DEL', ...whereOf(at) })).failure, undefined)
    t.same((await runNetwork(network, { command: 'ADD', ...whereOf(at) })).failure, undefined, 'and anew')
    t.same((await runNetwork(network, { command: 'DEL', ...whereOf(at) })).failure, undefined)
  }
  t.same(await heldBy(), [], 'no address is lost')
  t.same(await links(), [], 'no link is left')
  agent.kill('SIGKILL')
  await once(agent, 'exit')
})
