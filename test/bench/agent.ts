/**
 * How fast and how heavy the pod side of the agent is: 30 pods from creation to Ready, the agent's memory and its idle CPU.
 *   sh scripts/universe.sh node_modules/.bin/node test/bench/agent.ts [PODS]
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pods } from '../../src/api/resources.ts'
import { residentBytes } from '../../src/host/process.ts'
import { openClusterApi } from '../support/cluster-api.ts'
import { serveClusterApi } from '../support/cluster-api-server.ts'
import { cpuSecondsOf } from '../support/cpu-time.ts'
import { podFor, questions } from '../support/pod-agent.ts'
import { until } from '../support/until.ts'
import { sized } from './support/size.ts'

const count = Number(process.argv[2] ?? sized(30, 2))
const idleMs = sized(10_000, 200)
const names = Array.from({ length: count }, (_, n) => `pod-${n}`)
const folder = mkdtempSync(join(tmpdir(), 'podway-bench-'))
const api = await openClusterApi()
const server = await serveClusterApi(api)
const { client, create, get, isReady } = questions(api)
const script = join(import.meta.dirname, '../support/agent-child.ts')
const agent = spawn(process.execPath, [script, server.url, folder], { stdio: 'inherit' })
const pid = agent.pid ?? 0
const megabytes = async () => Math.round(((await residentBytes(pid)) ?? 0) / 1e6)

await create(podFor('warm-up'))
await until(() => isReady('warm-up'), 'the first pod')
console.log(`agent with one pod: ${await megabytes()} MB`)
const began = Date.now()
const readinessProbe = { exec: { command: ['true'] } }
await Promise.all(names.map((name, n) => create(podFor(name, n % 3 === 0 ? { readinessProbe } : {}))))
await until(() => names.every(isReady), 'all pods', 120_000)
console.log(`${count} pods ready after ${Date.now() - began} ms, agent ${await megabytes()} MB`)
const busy = cpuSecondsOf(pid)
await pause(idleMs)
console.log(`idle: ${(((cpuSecondsOf(pid) - busy) * 1000) / idleMs) * 100} % of a CPU, agent ${await megabytes()} MB`)
const ended = Date.now()
for (const name of [...names, 'warm-up'])
  await client.delete(pods, { metadata: { name, namespace: 'default' } }, { gracePeriodSeconds: 1 })
await until(() => !names.some(get) && !get('warm-up'), 'the end of all pods', 120_000)
console.log(`${count} pods gone after ${Date.now() - ended} ms`)
agent.kill('SIGTERM')
await once(agent, 'exit')
server.close()
rmSync(folder, { recursive: true })
