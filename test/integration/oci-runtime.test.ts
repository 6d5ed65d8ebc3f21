import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { OnChange } from '../../src/agent/runtime/runtime.ts'
import { makeBusyboxRoot } from '../support/busybox-root.ts'
import { busyboxImage, noOciRuntime, testOciRuntime } from '../support/oci-runtime.ts'
import { runtimeContract } from '../support/runtime-contract.ts'

t.setTimeout(300_000)

const skip = (await noOciRuntime()) ?? false
const layers = mkdtempSync(join(tmpdir(), 'podway-'))
if (!skip) makeBusyboxRoot(join(layers, 'root'))
t.teardown(() => rmSync(layers, { recursive: true }))

const open = async (t: Test, onChange: OnChange = () => undefined) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  const runtime = await testOciRuntime(folder, layers, { onChange, onDamage: t.fail })
  const stop = new AbortController()
  const running = runtime.run(stop.signal)
  t.teardown(async () => {
    for (const { id } of await runtime.sandboxes.list()) await runtime.sandboxes.end(id, 'forget')
    stop.abort()
    await running
    rmSync(folder, { recursive: true })
  })
  return { runtime, folder, container: { image: busyboxImage } }
}

t.test('containers of images keep the contract', { skip }, async (t) => {
  // A process that is the first of its namespace ignores TERM: in a shared one it is not.
  runtimeContract(t, async (t, onChange) => ({
    ...(await open(t, onChange)),
    sandbox: { shareProcessNamespace: true },
  }))
})
