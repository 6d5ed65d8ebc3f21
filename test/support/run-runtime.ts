/** A runtime on the real kernel, for as long as its test. */
import { rmSync } from 'node:fs'
import type { Test } from 'tap'
import type { Runtime } from '../../src/agent/runtime/runtime.ts'

/** Runs it until the test is torn down: then its pods end, and the folder goes. */
export const runRuntime = (t: Test, runtime: Runtime, folder: string): void => {
  const stop = new AbortController()
  const running = runtime.run(stop.signal)
  t.teardown(async () => {
    for (const { id } of await runtime.sandboxes.list()) await runtime.sandboxes.end(id, 'forget')
    stop.abort()
    await running
    rmSync(folder, { recursive: true })
  })
}
