/** Two agents of one name: the Lease is the first one's until it is silent. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readAgentIdentity } from '../../../../src/agent/node/agent-identity.ts'
import { acquireLease, NodeTaken, runHeartbeat } from '../../../../src/agent/node/lease.ts'
import { createClient } from '../../../../src/api/client.ts'
import { leases } from '../../../../src/api/resources.ts'
import { nodesGroup } from '../../../../src/api/users.ts'
import { createLocalTransport } from '../../../../src/control/server/local-transport.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { createTestApi } from '../../../support/api-server.ts'
import { turns, until } from '../../../support/until.ts'

const start = async (t: Test) => {
  const api = await createTestApi()
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'kube-node-lease' } } })
  const client = createClient(createLocalTransport(api.handle, { name: 'system:node:n1', groups: [nodesGroup] }))
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const { clock } = api
  const agent = (identity: string) => ({ client, nodeName: 'n1', identity, log: silentLogger, clock })
  const holder = async () => (await client.get(leases, 'n1', 'kube-node-lease')).spec?.holderIdentity
  /** Time passes while `promise` waits. */
  const pass = async <T>(promise: Promise<T>, alsoEachSecond = async (): Promise<unknown> => undefined): Promise<T> => {
    let isOver = false
    const done = promise.finally(() => {
      isOver = true
    })
    done.catch(() => undefined)
    await until(async () => {
      await turns()
      if (isOver) return true
      await alsoEachSecond()
      clock.advance(1_000)
      return isOver
    }, 'an end')
    return done
  }
  return { client, clock, stop, agent, holder, pass }
}

t.test('the second one is refused while the first renews', async (t) => {
  const { agent, holder, pass, stop } = await start(t)
  await acquireLease(agent('n1_a'), stop.signal)
  await acquireLease(agent('n1_a'), stop.signal)
  const renewing = () => acquireLease(agent('n1_a'), stop.signal)
  await t.rejects(pass(acquireLease(agent('n1_b'), stop.signal), renewing), NodeTaken)
  await t.rejects(pass(acquireLease(agent('n1_b'), stop.signal), renewing), /held by n1_a.*--node-name/)
  t.equal(await holder(), 'n1_a')
})

t.test('one that is silent is succeeded, and learns of it', async (t) => {
  const { agent, holder, pass, stop, clock } = await start(t)
  await acquireLease(agent('n1_a'), stop.signal)
  const before = clock.now()
  await pass(acquireLease(agent('n1_b'), stop.signal))
  t.equal(await holder(), 'n1_b')
  t.ok(clock.now() - before >= 9_000, 'not before it has expired')
  await t.rejects(runHeartbeat({ ...agent('n1_a'), node: () => undefined }, stop.signal), NodeTaken)
})

t.test('an identity outlives the process, but no reboot', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-identity-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'agent-identity.json')
  const damages: string[] = []
  const read = (nodeName: string, bootID: string) =>
    readAgentIdentity(file, nodeName, bootID, (message) => damages.push(message))
  const first = await read('n1', 'boot 1')
  t.match(first, /^n1_./)
  t.equal(await read('n1', 'boot 1'), first)
  const second = await read('n1', 'boot 2')
  t.not(second, first)
  t.match(await read('n2', 'boot 2'), /^n2_/)
  t.equal(damages.length, 0)
  writeFileSync(file, '{')
  t.match(await read('n1', 'boot 2'), /^n1_/)
  t.equal(damages.length, 1)
})
