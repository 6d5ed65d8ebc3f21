import t from 'tap'
import { createFakeRuntime } from '../../../../src/agent/runtime/fake-runtime.ts'
import { systemClock } from '../../../../src/api/clock.ts'
import { runtimeContract } from '../../../support/runtime-contract.ts'

t.test('the fake keeps the contract', async (t) => {
  runtimeContract(t, async (_t, onChange) => ({
    runtime: createFakeRuntime({ clock: systemClock, onChange }),
    folder: '/nowhere',
  }))
})
