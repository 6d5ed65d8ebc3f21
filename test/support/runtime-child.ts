/** An agent's runtime in a process of its own, to be killed: starts a sandbox and some sleepers, then waits. */
import { createProcessRuntime } from '../../src/agent/runtime/process/process-runtime.ts'
import { silentLogger } from '../../src/host/log.ts'
import { containerSpec, sandboxSpec } from './runtime-contract.ts'

const [stateDir = '', folder = '', ...names] = process.argv.slice(2)
const runtime = createProcessRuntime({ stateDir, cgroups: undefined, onChange: () => undefined, log: silentLogger })
await runtime.startSandbox(sandboxSpec('a'))
for (const name of names) await runtime.startContainer('a', containerSpec(folder, name, ['sleep', '3600']))
process.stdout.write(`${JSON.stringify(await runtime.list())}\n`)
await runtime.run(new AbortController().signal)
