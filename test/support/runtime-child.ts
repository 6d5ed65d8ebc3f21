/** An agent's runtime in a process of its own, to be killed: starts sandboxes and some sleepers in each, then waits. */
import { createProcessRuntime } from '../../src/agent/runtime/process/process-runtime.ts'
import { silentLogger } from '../../src/host/log.ts'
import { containerSpec, sandboxSpec } from './runtime-contract.ts'

const [stateDir = '', folder = '', sandboxes = '', ...names] = process.argv.slice(2)
const runtime = createProcessRuntime({
  ...{ stateDir, cgroups: undefined, onChange: () => undefined, onDamage: () => undefined, log: silentLogger },
})
for (const sandbox of sandboxes.split(',')) {
  await runtime.sandboxes.start(sandboxSpec(sandbox))
  for (const name of names) await runtime.containers.start(sandbox, containerSpec(folder, name, ['sleep', '3600']))
}
process.stdout.write(`${JSON.stringify(await runtime.sandboxes.list())}\n`)
await runtime.run(new AbortController().signal)
