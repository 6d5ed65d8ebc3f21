import t from 'tap'
import { probeTargets } from '../../../../src/agent/pods/probe-targets.ts'
import type { PodStatus } from '../../../../src/api/types/index.ts'
import { pod, sandbox, unconnected, view } from './builders.ts'

const shown: PodStatus = {
  containerStatuses: [
    {
      name: 'main',
      ready: true,
      started: true,
      restartCount: 0,
      image: '',
      imageID: '',
      containerID: 'process://u1_main_0',
    },
  ],
}
const running = sandbox([{ name: 'main', from: 5 }])

t.test('running containers of a pod with a network', async (t) => {
  t.match(probeTargets(view({ sandbox: running }), new Set()), [
    { containerId: 'u1_main_0', host: '10.244.0.2', startedAt: 5, isStopping: false, before: undefined },
  ])
  t.same(probeTargets(view({ sandbox: unconnected(running) }), new Set()), [])
  t.same(probeTargets(view({ sandbox: sandbox([{ name: 'main', code: 0 }]) }), new Set()), [])
  const dying = pod({}, {}, { deletionTimestamp: 'now' })
  t.match(probeTargets(view({ pod: dying, sandbox: running }), new Set()), [{ isStopping: true }])
  for (const phase of ['Failed', 'Succeeded'] as const) {
    const over = pod({}, { phase })
    t.match(probeTargets(view({ pod: over, sandbox: running }), new Set()), [{ isStopping: true }], phase)
  }
})

t.test('one from before goes on from what the API shows of it', async (t) => {
  const adopted = new Set(['u1_main_0'])
  t.match(probeTargets(view({ pod: pod({}, shown), sandbox: running }), adopted), [
    { before: { started: true, ready: true } },
  ])
  t.match(
    probeTargets(view({ pod: pod(), sandbox: running }), adopted),
    [{ before: undefined }],
    'if it shows it at all',
  )
  const next = sandbox([
    { name: 'main', code: 1 },
    { name: 'main', attempt: 1 },
  ])
  t.match(probeTargets(view({ pod: pod({}, shown), sandbox: next }), new Set(['u1_main_1'])), [{ before: undefined }])
})
