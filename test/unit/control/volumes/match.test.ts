import t from 'tap'
import type { Node } from '../../../../src/api/types/index.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../../../src/api/types/kubernetes/core-v1.ts'
import { bestVolume, type Wanted } from '../../../../src/control/volumes/match.ts'

const volume = (
  name: string,
  size: string,
  spec: Partial<PersistentVolume['spec']> = {},
  more: Partial<PersistentVolume> = {},
): PersistentVolume => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, status: { phase: 'Available' } },
  spec: { capacity: { storage: size }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' }, ...spec },
  ...more,
})

const claim = (size: string, spec: Partial<PersistentVolumeClaim['spec']> = {}): PersistentVolumeClaim => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', status: {} },
  metadata: { name: 'c', namespace: 'default', uid: 'u1' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: size } }, ...spec },
})

const node = (name: string): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node' },
  metadata: { name, labels: { 'kubernetes.io/hostname': name } },
})

const on = (...values: string[]): Partial<PersistentVolume['spec']> => ({
  nodeAffinity: {
    required: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }] }],
    },
  },
})

const claimRef = (name: string, uid?: string) => ({ namespace: 'default', name, ...(uid === undefined ? {} : { uid }) })
const all = ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany']

interface Case extends Partial<Wanted> {
  readonly volumes: readonly PersistentVolume[]
  readonly gets: string | undefined
}

const cases: Readonly<Record<string, Case>> = {
  'the smallest that is large enough': {
    volumes: [volume('large', '10Gi'), volume('fit', '2Gi'), volume('small', '1Mi')],
    gets: 'fit',
  },
  'sizes are compared as amounts, and of equal ones the first by name is it': {
    volumes: [volume('b', '1024Mi'), volume('a', '1Gi')],
    gets: 'a',
  },
  'none is large enough': { volumes: [volume('small', '999M')], gets: undefined },
  'one that can do less is preferred to a smaller one that others may need': {
    volumes: [volume('many', '1Gi', { accessModes: all }), volume('once', '5Gi')],
    gets: 'once',
  },
  'every access mode has to be there': {
    claim: claim('1Gi', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] }),
    volumes: [volume('once', '1Gi'), volume('many', '2Gi', { accessModes: all })],
    gets: 'many',
  },
  'a claim without a class gets none of a class': {
    volumes: [volume('a', '1Gi', { storageClassName: 'x' })],
    gets: undefined,
  },
  'the class "" is no class': {
    claim: claim('1Gi', { storageClassName: '' }),
    volumes: [volume('a', '1Gi', { storageClassName: 'x' }), volume('b', '1Gi')],
    gets: 'b',
  },
  'a class': {
    claim: claim('1Gi', { storageClassName: 'x' }),
    volumes: [volume('a', '1Gi'), volume('b', '1Gi', { storageClassName: 'x' })],
    gets: 'b',
  },
  'a device for who asks for one': {
    claim: claim('1Gi', { volumeMode: 'Block' }),
    volumes: [volume('a', '1Gi'), volume('b', '1Gi', { volumeMode: 'Block' })],
    gets: 'b',
  },
  'a selector': {
    claim: claim('1Gi', {
      selector: { matchLabels: { disk: 'ssd' }, matchExpressions: [{ key: 'old', operator: 'DoesNotExist' }] },
    }),
    volumes: [
      volume('a', '1Gi'),
      volume('b', '1Gi', {}, { metadata: { name: 'b', labels: { disk: 'ssd', old: '' } } }),
      volume('c', '1Gi', {}, { metadata: { name: 'c', labels: { disk: 'ssd' } } }),
    ],
    gets: 'c',
  },
  'not what is released, has failed or is unknown': {
    volumes: ['Released', 'Failed', 'Pending', 'Bound'].map((phase) => volume(phase, '1Gi', {}, { status: { phase } })),
    gets: undefined,
  },
  'not what is being deleted': {
    volumes: [volume('a', '1Gi', {}, { metadata: { name: 'a', deletionTimestamp: '2026-01-01T00:00:00Z' } })],
    gets: undefined,
  },
  'what is kept for it, whatever else there is': {
    volumes: [volume('a', '1Gi'), volume('mine', '9Gi', { claimRef: claimRef('c') }, { status: { phase: 'Pending' } })],
    gets: 'mine',
  },
  'what is kept for it has to be large enough, too': {
    volumes: [volume('a', '1Gi'), volume('mine', '1Mi', { claimRef: claimRef('c') })],
    gets: 'a',
  },
  'not what is kept for another': { volumes: [volume('a', '1Gi', { claimRef: claimRef('other') })], gets: undefined },
  'not what was kept for an earlier one of its name': {
    volumes: [volume('a', '1Gi', { claimRef: claimRef('c', 'u0') })],
    gets: undefined,
  },
  'only what is kept for it': { reservedOnly: true, volumes: [volume('a', '1Gi')], gets: undefined },
  'what is reachable from the node': {
    node: node('n2'),
    volumes: [volume('a', '1Gi', on('n1')), volume('b', '2Gi', on('n1', 'n2')), volume('c', '3Gi')],
    gets: 'b',
  },
  'what is kept for it elsewhere leaves nothing for this node': {
    node: node('n2'),
    volumes: [volume('a', '1Gi', { ...on('n1'), claimRef: claimRef('c') }), volume('b', '1Gi')],
    gets: undefined,
  },
}

for (const [name, { volumes, gets, ...wanted }] of Object.entries(cases))
  t.test(name, async (t) => {
    t.equal(bestVolume({ claim: claim('1Gi'), ...wanted }, volumes)?.metadata.name, gets)
    t.equal(bestVolume({ claim: claim('1Gi'), ...wanted }, volumes.toReversed())?.metadata.name, gets, 'in any order')
  })
