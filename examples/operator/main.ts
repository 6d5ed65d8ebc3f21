/** `node main.ts`: as whom KUBECONFIG says, in a pod as its ServiceAccount. Run several: one leads, the others wait. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { createLogger, openClient, runWithLeaderElection } from 'podway/controller'
import { runOperator } from './operator.ts'

const name = 'website-operator'
const log = createLogger(name)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const { client, close } = await openClient()
const identity = `${hostname()}_${randomUUID()}`
await runWithLeaderElection(
  { client, log, name, namespace: name, identity },
  (term) => runOperator(client, log, term),
  stop.signal,
)
await close()
