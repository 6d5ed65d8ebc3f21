import t from 'tap'
import { whyIdle } from '../../../src/lab/idle-orders.ts'
import type { Order } from '../../../src/lab/rpc.ts'
import type { HostState } from '../../../src/lab/state.ts'

const host = (daemon?: Partial<NonNullable<HostState['daemon']>>, more: Partial<HostState> = {}): HostState => ({
  ...{ name: 'node1', role: 'node', address: '172.30.0.11', state: 'up', ...more },
  ...(daemon ? { daemon: { name: 'agent', state: 'running', ...daemon } } : {}),
})
const killedHost = host(undefined, { state: 'killed' })
const client = host(undefined, { name: 'client', role: 'client' })

const revive: Order = { do: 'revive', host: 'node1' }
const kill: Order = { do: 'kill', host: 'node1', agent: false }
const killAgent: Order = { do: 'kill', host: 'node1', agent: true }

const cases: readonly {
  readonly name: string
  readonly order: Order
  readonly host: HostState
  readonly says: string | undefined
}[] = [
  { name: 'a healthy node', order: revive, host: host({}), says: 'node1 is up already, and its agent daemon runs' },
  { name: 'the client', order: revive, host: client, says: 'client is up already' },
  { name: 'a killed client', order: revive, host: { ...client, state: 'killed' }, says: undefined },
  { name: 'a node after a power cut', order: revive, host: killedHost, says: undefined },
  { name: 'a node without its daemon', order: revive, host: host({ state: 'killed' }), says: undefined },
  { name: 'a node that could not be started', order: revive, host: host(), says: undefined },
  {
    ...{ name: 'a daemon that ends again and again', order: revive },
    host: host({ state: 'restarting', lastEnd: 'exit code 1' }),
    says: 'node1 is up already; its agent daemon has ended (exit code 1) and is being started',
  },
  {
    ...{ name: 'a daemon that was just revived', order: revive, host: host({ state: 'restarting' }) },
    says: 'node1 is up already; its agent daemon is being started',
  },
  { name: 'kill a node', order: kill, host: host({}), says: undefined },
  { name: 'kill it again', order: kill, host: killedHost, says: 'node1 was killed already' },
  { name: 'kill its daemon', order: killAgent, host: host({}), says: undefined },
  { name: 'kill one that restarts', order: killAgent, host: host({ state: 'restarting' }), says: undefined },
  {
    ...{ name: 'kill its daemon again', order: killAgent, host: host({ state: 'killed' }) },
    says: 'the agent daemon of node1 was killed already',
  },
  { name: 'kill the whole node after its daemon', order: kill, host: host({ state: 'killed' }), says: undefined },
  { name: 'the daemon of a dark node', order: killAgent, host: killedHost, says: 'node1 was killed already' },
  { name: 'a question', order: { do: 'status' }, host: killedHost, says: undefined },
]
for (const { name, order, host, says } of cases) t.equal(whyIdle(order, host), says, name)
