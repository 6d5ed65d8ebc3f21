/** Pods whose claims are written and waited for: what is left of one that goes meanwhile. */
import t, { type Test } from 'tap'
import { createClient } from '../../../../src/api/client.ts'
import type { Informer } from '../../../../src/api/informer.ts'
import type { Resource } from '../../../../src/api/resources.ts'
import type { KubeObject, Pod } from '../../../../src/api/types/index.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../../../src/api/types/kubernetes/core-v1.ts'
import type { StorageClass } from '../../../../src/api/types/kubernetes/storage-v1.ts'
import { createVolumeBinding } from '../../../../src/control/scheduler/plugins/volume-binding.ts'
import { classOf } from '../../../../src/control/volumes/claims.ts'
import { bindCompleted } from '../../../../src/control/volumes/names.ts'
import { claimKeysOfPod } from '../../../../src/control/volumes/pod-claims.ts'
import { createFedInformer } from '../../../support/fed-informer.ts'
import { soon, turns } from '../../../support/until.ts'
import { node, pod } from './cluster-of.ts'

const withClaim = (uid: string): Pod => {
  const plain = pod('web-0', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] })
  return { ...plain, metadata: { ...plain.metadata, uid } }
}

const claimOf = (volumeName?: string): PersistentVolumeClaim => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
  metadata: {
    ...{ name: 'data', namespace: 'default', uid: 'data' },
    annotations: volumeName ? { [bindCompleted]: 'yes' } : {},
  },
  spec: {
    ...{ accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'local' },
    ...(volumeName ? { volumeName } : {}),
  },
  status: { phase: volumeName ? 'Bound' : 'Pending' },
})

const volume: PersistentVolume = {
  ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'made' } },
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'local' },
  status: {},
}

const made: StorageClass = {
  ...{ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'local' } },
  ...{ provisioner: 'example.com/disk', volumeBindingMode: 'WaitForFirstConsumer' },
}

/** Claims are written when `answer` says so. */
const start = (t: Test) => {
  const claims = createFedInformer<PersistentVolumeClaim>([claimOf()])
  const volumes = createFedInformer<PersistentVolume>([], { class: (each) => [classOf(each)] })
  const podCopies = createFedInformer<Pod>([], { claim: claimKeysOfPod })
  const copies: Readonly<Record<string, unknown>> = {
    ...{ persistentvolumeclaims: claims, persistentvolumes: volumes, pods: podCopies },
    storageclasses: createFedInformer<StorageClass>([made]),
  }
  const answers: (() => void)[] = []
  const client = createClient({
    request: () => new Promise((resolve) => answers.push(() => resolve(claimOf()))),
    watch: async function* () {},
  })
  const end = new AbortController()
  t.teardown(() => end.abort())
  const plugin = createVolumeBinding(
    { of: <T extends KubeObject>({ plural }: Resource<T>) => copies[plural] as Informer<T> },
    { client, signal: end.signal, wake: () => undefined },
  )
  /** The pod has a node: what has to be written is. */
  const begin = (pod: Pod) => {
    const end = new AbortController()
    plugin.reserve?.reserve(pod, node('n1'))
    const prepared = Promise.resolve(plugin.preBind?.(pod, node('n1'), end.signal))
    prepared.catch(() => undefined)
    return { prepared, end }
  }
  return { claims, volumes, podCopies, answers, begin }
}

t.test('a pod that goes while its claim is written waits for nothing', async (t) => {
  const { answers, begin } = start(t)
  const { prepared, end } = begin(withClaim('first'))
  end.abort(new Error('gone'))
  answers[0]?.()
  await t.rejects(soon(prepared, 'the end'), { message: 'gone' })
})

t.test('its namesake with the same claim is told of it all the same', async (t) => {
  const { answers, begin, claims, volumes, podCopies } = start(t)
  const first = begin(withClaim('first'))
  first.end.abort(new Error('gone'))
  podCopies.put(withClaim('second'))
  const second = begin(withClaim('second'))
  answers[1]?.()
  await turns()
  answers[0]?.()
  await turns()
  volumes.put(volume)
  claims.put(claimOf('made'))
  t.equal(await soon(second.prepared, 'the volume'), undefined)
})
