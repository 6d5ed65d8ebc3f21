import t from 'tap'
import type { ContainerStatus, Pod } from '../../../../src/api/types/index.ts'
import { instancesOf } from '../../../../src/commands/logs/instances.ts'

const status = (name: string, more: Partial<ContainerStatus>): ContainerStatus => ({
  ...{ name, ready: true, restartCount: 0, image: 'x', imageID: 'x' },
  ...more,
})

const ended = (containerID: string) => ({ terminated: { exitCode: 0, containerID } })

const pod: Pod = {
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop', uid: 'u1' } },
  spec: { nodeName: 'node1', containers: [{ name: 'main', image: 'x' }] },
  status: {
    initContainerStatuses: [status('init', { containerID: 'oci://i', state: ended('oci://i') })],
    containerStatuses: [
      status('main', { containerID: 'oci://b', state: { running: {} }, lastState: ended('oci://a') }),
      status('crashes', { containerID: 'oci://c', state: { waiting: { reason: 'CrashLoopBackOff' } } }),
      status('waits', { state: { waiting: { reason: 'ContainerCreating' } } }),
    ],
  },
}

const names = (choice: { readonly container?: string; readonly previous?: boolean }) =>
  instancesOf(pod, { previous: false, ...choice }).map(({ container, isOver, key }) => [container, isOver, key])

t.test('containers that have started', async (t) => {
  t.same(names({}), [
    ['init', true, 'shop/web/u1/init/oci://i'],
    ['main', false, 'shop/web/u1/main/oci://b'],
    ['crashes', true, 'shop/web/u1/crashes/oci://c'],
  ])
  t.same(names({ container: 'waits' }), [])
  t.equal(names({ container: 'main' }).length, 1)
})

t.test('those before them', async (t) => {
  t.same(names({ previous: true }), [['main', true, 'shop/web/u1/main/oci://a']])
})

t.test('a pod that nobody has seen yet', async (t) => {
  t.same(instancesOf({ ...pod, status: {} }, { previous: false }), [])
})
