import t from 'tap'
import { createFakeNetwork } from '../../../../src/agent/fake-network.ts'
import { createPodSandboxes } from '../../../../src/agent/pods/pod-sandboxes.ts'
import { createFakeRuntime } from '../../../../src/agent/runtime/fake-runtime.ts'
import type { Sandboxes } from '../../../../src/agent/runtime/sandboxes.ts'
import { systemClock } from '../../../../src/api/clock.ts'
import { sandboxSpec } from '../../../support/runtime-contract.ts'

const hostIPs = ['192.0.2.1']

const start = (more: (sandboxes: Sandboxes) => Sandboxes = (sandboxes) => sandboxes) => {
  const runtime = createFakeRuntime({ clock: systemClock, onChange: () => undefined })
  const network = createFakeNetwork()
  const open = () => createPodSandboxes({ sandboxes: more(runtime.sandboxes), network, hostIPs })
  return { runtime, network, open, sandboxes: open() }
}

t.test('a pod has its addresses from the start of its sandbox until its end', async (t) => {
  const { network, runtime, sandboxes } = start()
  t.same((await sandboxes.start(sandboxSpec('a'))).addresses, ['10.244.0.2'])
  t.match(await sandboxes.list(), [{ id: 'a', addresses: ['10.244.0.2'] }])
  runtime.die('a')
  t.match(await sandboxes.list(), [{ running: false, addresses: ['10.244.0.2'] }], 'somebody has to take them back')
  await sandboxes.end('a', 'keep')
  t.same(
    (await sandboxes.list()).map(({ addresses }) => addresses),
    [undefined],
  )
  t.same(network.calls, ['attach a', 'detach a'])
})

t.test('one from before is connected again', async (t) => {
  const { sandboxes, open } = start()
  await sandboxes.start(sandboxSpec('a'))
  const later = open()
  const [found] = await later.list()
  if (!found) return t.fail('the sandbox is gone')
  t.equal(found.addresses, undefined)
  t.same((await later.connect(found, {})).addresses, ['10.244.0.2'])
  t.match(await later.list(), [{ addresses: ['10.244.0.2'] }])
})

t.test('on the host network', async (t) => {
  const { network, sandboxes } = start()
  t.same((await sandboxes.start(sandboxSpec('a', { hostNetwork: true }))).addresses, hostIPs)
  t.same(network.calls, [])
})

t.test('a sandbox that cannot be attached is left to whoever ends it', async (t) => {
  const { network, sandboxes } = start()
  network.failNext(new Error('no address is free'))
  await t.rejects(sandboxes.start(sandboxSpec('a')), /no address is free/)
  t.match(await sandboxes.list(), [{ running: true }])
  await sandboxes.end('a', 'forget')
  t.same(await sandboxes.list(), [])
})

t.test('a runtime that connects its pods by itself is left to do so', async (t) => {
  const addresses = ['10.9.0.1']
  const { network, sandboxes } = start((inner) => ({
    ...inner,
    list: async () => (await inner.list()).map((each) => ({ ...each, addresses })),
    start: async (spec) => ({ ...(await inner.start(spec)), addresses }),
  }))
  t.same((await sandboxes.start(sandboxSpec('a'))).addresses, addresses)
  t.match(await sandboxes.list(), [{ addresses }])
  t.same(network.calls, [])
})
