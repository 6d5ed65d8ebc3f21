import t from 'tap'
import type { PersistentVolume, PersistentVolumeClaim } from '../../../../../src/api/types/kubernetes/core-v1.ts'
import type { StorageClass } from '../../../../../src/api/types/kubernetes/storage-v1.ts'
import { planClaim, planVolume } from '../../../../../src/control/controllers/volumes/plan.ts'

const done = { 'pv.kubernetes.io/bind-completed': 'yes' }
const byController = { 'pv.kubernetes.io/bound-by-controller': 'yes' }
const made = { 'pv.kubernetes.io/provisioned-by': 'example.com/maker' }

const claim = (
  spec: Partial<PersistentVolumeClaim['spec']> = {},
  annotations: Record<string, string> = {},
): PersistentVolumeClaim => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', status: { phase: 'Pending' } },
  metadata: { name: 'c', namespace: 'default', uid: 'u1', annotations },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
})

const volume = (
  spec: Partial<PersistentVolume['spec']> = {},
  annotations: Record<string, string> = {},
): PersistentVolume => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolume', status: { phase: 'Available' } },
  metadata: { name: 'v', annotations },
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' }, ...spec },
})

const storageClass = (name: string, more: Partial<StorageClass>): StorageClass => ({
  ...{ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', provisioner: 'example.com/maker', ...more },
  metadata: { name },
})

const classes: readonly StorageClass[] = [
  storageClass('now', { volumeBindingMode: 'Immediate' }),
  storageClass('late', { volumeBindingMode: 'WaitForFirstConsumer' }),
  storageClass('hand', { provisioner: 'kubernetes.io/no-provisioner' }),
]

const ref = (uid?: string, name = 'c') => ({ namespace: 'default', name, ...(uid === undefined ? {} : { uid }) })

interface ClaimCase {
  readonly claim: PersistentVolumeClaim
  readonly volume?: PersistentVolume
  readonly pods?: readonly string[]
  /** What is done, and the reason of the Event. */
  readonly step: readonly string[]
}

const claimCases: Readonly<Record<string, ClaimCase>> = {
  'a fitting volume is bound': { claim: claim(), volume: volume(), step: ['bind v'] },
  'no volume and no class': { claim: claim(), step: ['wait', 'Normal FailedBinding'] },
  'a class makes one': { claim: claim({ storageClassName: 'now' }), step: ['ask', 'Normal ExternalProvisioning'] },
  'an unknown class': { claim: claim({ storageClassName: 'none' }), step: ['wait', 'Warning ProvisioningFailed'] },
  'a class whose volumes are made by hand': {
    claim: claim({ storageClassName: 'hand' }),
    step: ['wait', 'Normal FailedBinding'],
  },
  'a class that waits': { claim: claim({ storageClassName: 'late' }), step: ['wait', 'Normal WaitForFirstConsumer'] },
  'a class that waits, with a pod': {
    claim: claim({ storageClassName: 'late' }),
    pods: ['a', 'b'],
    step: ['wait', 'Normal WaitForPodScheduled'],
  },
  'a class that waits takes nothing by itself': {
    claim: claim({ storageClassName: 'late' }),
    volume: volume({ storageClassName: 'late' }),
    step: ['wait', 'Normal WaitForFirstConsumer'],
  },
  'a class that waits takes what the scheduler has chosen': {
    claim: claim({ storageClassName: 'late' }),
    volume: volume({ storageClassName: 'late', claimRef: ref('u1') }),
    step: ['bind v'],
  },
  'a node was chosen': {
    claim: claim({ storageClassName: 'late' }, { 'volume.kubernetes.io/selected-node': 'n1' }),
    step: ['ask', 'Normal ExternalProvisioning'],
  },
  'a named volume that is not there': { claim: claim({ volumeName: 'w' }), step: ['wait'] },
  'a named volume': { claim: claim({ volumeName: 'v' }), volume: volume(), step: ['bind v'] },
  'a named volume that does not fit': {
    claim: claim({ volumeName: 'v', storageClassName: 'now' }),
    volume: volume(),
    step: ['wait', 'Warning VolumeMismatch'],
  },
  'a named volume of somebody else': {
    claim: claim({ volumeName: 'v' }),
    volume: volume({ claimRef: ref('u2', 'd') }),
    step: ['wait', 'Warning FailedBinding'],
  },
  'a named volume of an earlier claim of the same name': {
    claim: claim({ volumeName: 'v' }),
    volume: volume({ claimRef: ref('u0') }),
    step: ['wait', 'Warning FailedBinding'],
  },
  'bound, and still so': {
    claim: claim({ volumeName: 'v' }, done),
    volume: volume({ claimRef: ref('u1') }),
    step: ['bind v'],
  },
  'bound, and the volume has forgotten it': {
    claim: claim({ volumeName: 'v' }, done),
    volume: volume(),
    step: ['bind v'],
  },
  'bound, and the volume is gone': { claim: claim({ volumeName: 'v' }, done), step: ['lose', 'Warning ClaimLost'] },
  'bound to nothing': { claim: claim({}, done), step: ['lose', 'Warning ClaimLost'] },
  'who only says that a volume is theirs does not get it': {
    claim: claim({ volumeName: 'v' }, done),
    volume: volume({ claimRef: ref('u2', 'd') }),
    step: ['lose', 'Warning ClaimMisbound'],
  },
}

for (const [name, { claim: given, volume: there, pods = [], step }] of Object.entries(claimCases))
  t.test(`claim: ${name}`, async (t) => {
    const found = planClaim(given, {
      volume: (wanted) => (there?.metadata.name === wanted ? there : undefined),
      volumesOfClass: (wanted) => (there && (there.spec.storageClassName ?? '') === wanted ? [there] : []),
      storageClass: (wanted) => classes.find(({ metadata }) => metadata.name === wanted),
      waitingPods: pods,
    })
    const told = 'told' in found && found.told ? [`${found.told.type} ${found.told.reason}`] : []
    t.same([found.do === 'bind' ? `bind ${found.volume.metadata.name}` : found.do, ...told], step)
  })

interface VolumeCase {
  readonly volume: PersistentVolume
  readonly claim?: PersistentVolumeClaim
  readonly step: object
}

const policy = (persistentVolumeReclaimPolicy: string) => ({ persistentVolumeReclaimPolicy })

const volumeCases: Readonly<Record<string, VolumeCase>> = {
  'nobody wants it': { volume: volume(), step: { do: 'set', phase: 'Available' } },
  'kept for a claim that is to come': { volume: volume({ claimRef: ref() }), step: { do: 'set', phase: 'Available' } },
  'kept for a claim that has come': {
    volume: volume({ claimRef: ref() }),
    claim: claim(),
    step: { do: 'claim', key: 'default/c', phase: 'Available' },
  },
  'given to a claim that does not say so yet': {
    volume: volume({ claimRef: ref('u1') }, byController),
    claim: claim(),
    step: { do: 'claim', key: 'default/c' },
  },
  'given to a claim for another mode': {
    volume: volume({ claimRef: ref('u1'), volumeMode: 'Block' }),
    claim: claim(),
    step: { do: 'claim', told: { reason: 'VolumeMismatch' } },
  },
  bound: {
    volume: volume({ claimRef: ref('u1') }),
    claim: claim({ volumeName: 'v' }),
    step: { do: 'set', phase: 'Bound' },
  },
  'its claim has gone, and it stays': {
    volume: volume({ claimRef: ref('u1'), ...policy('Retain') }),
    step: { do: 'release', failure: undefined },
  },
  'its claim has gone, and another has its name': {
    volume: volume({ claimRef: ref('u0'), ...policy('Retain') }),
    claim: claim({ volumeName: 'v' }),
    step: { do: 'release', failure: undefined },
  },
  'its claim has gone, and who has made it deletes it': {
    volume: volume({ claimRef: ref('u1'), ...policy('Delete') }, made),
    step: { do: 'release', failure: undefined },
  },
  'its claim has gone, and nobody can delete it': {
    volume: volume({ claimRef: ref('u1'), ...policy('Delete') }),
    step: { do: 'release', failure: { reason: 'VolumeFailedDelete' } },
  },
  'its claim has gone, and it is not wiped': {
    volume: volume({ claimRef: ref('u1'), ...policy('Recycle') }),
    step: { do: 'release', failure: { reason: 'VolumeFailedRecycle' } },
  },
  'its claim took another one: back to all': {
    volume: volume({ claimRef: ref('u1') }, byController),
    claim: claim({ volumeName: 'w' }),
    step: { do: 'unbind', forget: 'claim' },
  },
  'its claim took another one: kept for the name': {
    volume: volume({ claimRef: ref('u1') }),
    claim: claim({ volumeName: 'w' }),
    step: { do: 'unbind', forget: 'uid' },
  },
  'made for a claim that took another one': {
    volume: volume({ claimRef: ref('u1'), ...policy('Delete') }, made),
    claim: claim({ volumeName: 'w' }),
    step: { do: 'release' },
  },
}

for (const [name, { volume: given, claim: there, step }] of Object.entries(volumeCases))
  t.test(`volume: ${name}`, async (t) => {
    t.match(planVolume(given, there), step)
  })
