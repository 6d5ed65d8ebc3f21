import t from 'tap'
import { type Clock, systemClock } from '../../../../src/api/clock.ts'
import { events, nodes, persistentVolumeClaims, pods } from '../../../../src/api/resources.ts'
import type { CreateController } from '../../../../src/control/controllers/controller.ts'
import { defaultSettings } from '../../../../src/control/scheduler/config/settings.ts'
import { createScheduler } from '../../../../src/control/scheduler/scheduler.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

/** Timers of a busy machine. */
const lateClock: Clock = { ...systemClock, after: (ms, action) => systemClock.after(ms < 500 ? ms : ms + 500, action) }

const unschedulable =
  '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.'

t.test('a pod that fits nowhere says so, and goes when there is room, however late timers are', async (t) => {
  const plane = await startControlPlane(t, { clock: lateClock })
  const { client } = plane
  await plane.addNode('n1', { cpu: '1' })
  await client.create(pods, {
    metadata: { name: 'big', namespace: 'default' },
    spec: { containers: [{ name: 'main', image: 'echo', resources: { requests: { cpu: '2' } } }] },
  })
  const waiting = await until(async () => {
    const found = await client.get(pods, 'big', 'default')
    return found.status?.conditions?.some(({ reason }) => reason === 'Unschedulable') && found
  }, 'the condition')
  t.equal(waiting.spec.nodeName, undefined)
  await until(async () => {
    const told = (await client.list(events)).items.filter(({ reason }) => reason === 'FailedScheduling')
    return told.some(({ message }) => message === unschedulable)
  }, 'the Event')
  await client.patch(nodes, { metadata: { name: 'n1' } }, { status: { allocatable: { cpu: '4' } } }, 'status')
  t.ok(
    await until(
      async () => (await client.get(pods, 'big', 'default')).spec.nodeName === 'n1',
      'the pod to get its node',
    ),
    'scheduled',
  )
})

t.test('a scheduler that begins where pods have claims already', async (t) => {
  const later: CreateController = (context) => {
    const { name, run } = createScheduler(defaultSettings)(context)
    const [claims, podCopies] = [context.informers.of(persistentVolumeClaims), context.informers.of(pods)]
    return {
      name,
      run: async (signal) => {
        await until(() => claims.get('default/data') && podCopies.by('claim', 'default/data').length > 0, 'the copies')
        await run(signal)
      },
    }
  }
  const plane = await startControlPlane(t, { more: [later], disabled: ['kube-scheduler'] })
  const { client } = plane
  await plane.addNode('n1')
  await client.create(persistentVolumeClaims, {
    metadata: { name: 'data', namespace: 'default' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    status: {},
  })
  await client.create(pods, {
    metadata: { name: 'claiming', namespace: 'default' },
    spec: {
      containers: [{ name: 'main', image: 'echo' }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
    },
  })
  await client.create(pods, {
    metadata: { name: 'plain', namespace: 'default' },
    spec: { containers: [{ name: 'main', image: 'echo' }] },
  })
  t.ok(await until(async () => (await client.get(pods, 'plain', 'default')).spec.nodeName, 'the pod to get its node'))
})
