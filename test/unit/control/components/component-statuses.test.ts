/** What is said of a part of the control plane when it does not do its work. */
import t from 'tap'
import { createFakeClock, formatMicroTime } from '../../../../src/api/clock.ts'
import { createComponentStatuses } from '../../../../src/control/components/component-statuses.ts'
import { createLoops } from '../../../../src/control/components/loops.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { openStore } from '../../../../src/control/storage/watch-cache.ts'

const open = async () => {
  const clock = createFakeClock()
  const store = await openStore(createMemoryBackend())
  const loops = createLoops(clock)
  await store.commit({
    key: { bucket: 'leases.coordination.k8s.io', name: 'kube-system/podway-controllers' },
    expected: 0,
    object: {
      ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'podway-controllers' } },
      ...{ spec: { holderIdentity: 'one', leaseDurationSeconds: 60, renewTime: formatMicroTime(clock.now()) } },
    },
  })
  const conditions = async (observer = createComponentStatuses({ store, clock, loops, disabled: [] })) =>
    Object.fromEntries(
      (await observer.list(undefined)).map((each) => {
        const [condition] = 'conditions' in each && Array.isArray(each.conditions) ? each.conditions : []
        return [each.metadata.name, condition.message ?? condition.error]
      }),
    )
  return { clock, store, loops, conditions }
}

t.test('a loop that fails is told of until it has run well for a while', async (t) => {
  const { clock, loops, conditions } = await open()
  const well = { scheduler: 'ok', 'controller-manager': 'ok', 'etcd-0': '{"health":"true"}' }
  t.strictSame(await conditions(), well)
  loops.failed('endpointslice-controller', new Error('no more'))
  loops.failed('pod-gc', 'nothing')
  const broken = { ...well, 'controller-manager': 'endpointslice-controller: no more; pod-gc: nothing' }
  t.strictSame(await conditions(), broken)
  clock.advance(9_999)
  t.strictSame(await conditions(), broken)
  loops.failed('default-scheduler', new Error('lost'))
  clock.advance(1)
  t.strictSame(await conditions(), { ...well, scheduler: 'default-scheduler: lost' })
})

t.test('a store that does not answer is told of, and the others are not', async (t) => {
  const { clock, store, loops, conditions } = await open()
  const away = { ...store, fresh: () => Promise.reject(new Error('etcd is away')) }
  t.strictSame(await conditions(createComponentStatuses({ store: away, clock, loops, disabled: [] })), {
    ...{ scheduler: 'ok', 'controller-manager': 'ok', 'etcd-0': 'etcd is away' },
  })
})

t.test('a real scheduler in place of our own has a lease of its own', async (t) => {
  const { clock, store, loops, conditions } = await open()
  t.match(await conditions(createComponentStatuses({ store, clock, loops, disabled: ['kube-scheduler'] })), {
    ...{ scheduler: 'nobody holds the lease kube-scheduler', 'controller-manager': 'ok' },
  })
})
