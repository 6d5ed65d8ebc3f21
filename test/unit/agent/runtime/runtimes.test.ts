import t from 'tap'
import { createFakeRuntime } from '../../../../src/agent/runtime/fake-runtime.ts'
import type { OnChange, Runtime } from '../../../../src/agent/runtime/runtime.ts'
import { createRuntimes } from '../../../../src/agent/runtime/runtimes.ts'
import { systemClock } from '../../../../src/api/clock.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { recordingLog } from '../../../support/recording-log.ts'
import { containerSpec, runtimeContract, sandboxSpec } from '../../../support/runtime-contract.ts'

const fake = (name: string, onChange: OnChange = () => undefined) =>
  createFakeRuntime({ clock: systemClock, onChange, name })

t.test('several runtimes keep the contract of one', async (t) => {
  runtimeContract(t, async (_t, onChange) => {
    const [first, second] = [fake('first', onChange), fake('second', onChange)]
    return { runtime: { ...first, ...createRuntimes([second, first], silentLogger) }, folder: '/nowhere' }
  })
})

t.test('each sandbox has one of them', async (t) => {
  const [process, oci] = [fake('process'), fake('oci')]
  const runtimes = createRuntimes([oci, process], silentLogger)
  await runtimes.sandboxes.start(sandboxSpec('a'))
  await runtimes.sandboxes.start(sandboxSpec('b', { runtime: 'process' }))
  t.same(
    (await runtimes.sandboxes.list()).map(({ id, runtime }) => `${id} ${runtime}`),
    ['a oci', 'b process'],
  )
  await t.rejects(runtimes.sandboxes.start(sandboxSpec('c', { runtime: 'cri' })), {
    message: 'no runtime for "cri" is configured',
  })

  const later = createRuntimes([oci, process], silentLogger)
  await later.containers.start('b', containerSpec('/nowhere', 'main', ['sleep', '3600']))
  t.same(process.calls, ['start-sandbox b', 'start-container b_main_0'], 'who finds them knows whose they are')
  process.onExec(() => ({ exitCode: 0, output: 'process' }))
  t.equal((await later.streams.exec('b_main_0', ['x'], 1)).output, 'process')
  await later.containers.signal('b_main_0', 'KILL')
  await later.sandboxes.end('b', 'keep')
  await later.sandboxes.start(sandboxSpec('b', { runtime: 'oci' }))
  t.same(await process.sandboxes.list(), [], 'in another runtime it leaves nothing behind')
  t.same(
    (await later.sandboxes.list()).map(({ id }) => id),
    ['a', 'b'],
  )
})

t.test('a runtime that does not answer takes no pods away', async (t) => {
  const [process, other] = [fake('process'), fake('cri')]
  let isDown = true
  const cri: Runtime = {
    ...other,
    sandboxes: {
      ...other.sandboxes,
      list: async () => {
        if (isDown) throw new Error('connect ENOENT')
        return other.sandboxes.list()
      },
    },
  }
  const { log, messages } = recordingLog()
  const runtimes = createRuntimes([process, cri], log)
  await t.rejects(runtimes.sandboxes.list(), /ENOENT/, 'nobody knows what it has')
  isDown = false
  await runtimes.sandboxes.start(sandboxSpec('a', { runtime: 'cri' }))
  await runtimes.sandboxes.list()
  isDown = true
  const found = async () => (await runtimes.sandboxes.list()).map(({ id }) => id)
  t.same(await found(), ['a'])
  await runtimes.sandboxes.start(sandboxSpec('b'))
  t.same(await found(), ['b', 'a'], 'the others go on')
  t.equal(messages.length, 1, 'it is said once')
})
