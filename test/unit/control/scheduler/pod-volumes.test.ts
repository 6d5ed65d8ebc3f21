/** A volume that was found for one claim is not found for another, before anything of it is written. */
import t from 'tap'
import { objectKey } from '../../../../src/api/resources.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../../../src/api/types/kubernetes/core-v1.ts'
import { type VolumeWorld, volumesOfPod } from '../../../../src/control/scheduler/framework/pod-volumes.ts'
import { node, pod } from './cluster-of.ts'

const claim = (name: string): PersistentVolumeClaim => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace: 'default', uid: name } },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'late', resources: { requests: { storage: '1Gi' } } },
  status: { phase: 'Pending' },
})

const volume = (name: string): PersistentVolume => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name } },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'late', capacity: { storage: '1Gi' } },
  status: { phase: 'Available' },
})

const claims = new Map(['a', 'b', 'c'].map(claim).map((each) => [objectKey(each), each]))
const volumes = ['v1', 'v2'].map(volume)

const world = (reserved: Readonly<Record<string, string>>): VolumeWorld => ({
  claim: (key) => claims.get(key),
  volume: (name) => volumes.find(({ metadata }) => metadata.name === name),
  volumesOfClass: () => volumes,
  storageClass: (name) => ({
    ...{ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name } },
    ...{ provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' },
  }),
  isReserved: (name, key) => (reserved[name] ?? key) !== key,
  isTaken: () => false,
})

const found = (claimName: string, reserved: Readonly<Record<string, string>>): string => {
  const wanted = pod('p', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] })
  const own = volumesOfPod(wanted, world(reserved))
  const [objection] = own.objections(node('n1'))
  return (
    objection ?? own.placements(node('n1')).map(({ volume: found }) => found?.metadata.name)[0] ?? own.refusal ?? ''
  )
}

t.equal(found('a', {}), 'v1')
t.equal(found('b', { v1: 'default/a' }), 'v2')
t.equal(found('a', { v1: 'default/a' }), 'v1', 'its own')
t.equal(found('c', { v1: 'default/a', v2: 'default/b' }), "node(s) didn't find available persistent volumes to bind")
