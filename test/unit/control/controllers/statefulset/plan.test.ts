/** What a StatefulSet does next, as tables: `0:new-ready 1:old` are its pods. */
import t from 'tap'
import type { Pod } from '../../../../../src/api/types/index.ts'
import type { StatefulSet, StatefulSetSpec } from '../../../../../src/api/types/kubernetes/apps-v1.ts'
import { claimOwners } from '../../../../../src/control/controllers/statefulset/claims.ts'
import { memberOf, ordinalOf } from '../../../../../src/control/controllers/statefulset/identity.ts'
import {
  countMembers,
  keepsRevision,
  planMembers,
  type StatefulView,
} from '../../../../../src/control/controllers/statefulset/plan.ts'

const now = Date.UTC(2026, 0, 1)
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString()

const rolling = (more: object = {}) => ({ type: 'RollingUpdate', rollingUpdate: { partition: 0, ...more } })

const setOf = (spec: Partial<StatefulSetSpec> = {}): StatefulSet => ({
  ...{ apiVersion: 'apps/v1', kind: 'StatefulSet' },
  metadata: { name: 'web', namespace: 'default', uid: 'set', generation: 3 },
  spec: {
    ...{ replicas: 3, serviceName: 'nginx', selector: { matchLabels: { app: 'web' } } },
    ...{ template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } } },
    updateStrategy: rolling(),
    ...spec,
  },
  status: { replicas: 0, availableReplicas: 0, currentReplicas: 2 },
})

const podOf = (text: string): Pod => {
  const [ordinal, words = ''] = text.split(':')
  const has = (part: string): boolean => words.split('-').includes(part)
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', spec: { containers: [] } },
    metadata: {
      ...{ name: `web-${ordinal}`, namespace: 'default', uid: `pod-${ordinal}` },
      labels: { 'controller-revision-hash': has('new') ? 'web-new' : 'web-old' },
      ...(has('going') ? { deletionTimestamp: ago(1) } : {}),
    },
    status: {
      phase: has('failed') ? 'Failed' : has('succeeded') ? 'Succeeded' : has('pending') ? 'Pending' : 'Running',
      conditions: has('ready') ? [{ type: 'Ready', status: 'True', lastTransitionTime: ago(5) }] : [],
    },
  }
}

const viewOf = (pods: string, spec?: Partial<StatefulSetSpec>): StatefulView => ({
  ...{ set: setOf(spec), current: 'web-old', update: 'web-new', now },
  pods: pods
    .split(' ')
    .filter((text) => text !== '')
    .map(podOf),
})

const says = (view: StatefulView): string => {
  const { make, leaving } = planMembers(view)
  return [...make.map((ordinal) => `+${ordinal}`), ...leaving.map(({ metadata }) => `-${metadata.name.slice(4)}`)].join(
    ' ',
  )
}

const parallel = { podManagementPolicy: 'Parallel' }
const farAway = { ordinals: { start: 1_500_000_000 } }
const all = '0:new-ready 1:new-ready 2:new-ready'

t.test('of very many, so many are made at once', async (t) => {
  const { make } = planMembers(viewOf('1:new-ready', { replicas: 2 ** 31 - 1, ...parallel }))
  t.same([make.length, make.slice(0, 3), make.at(-1)], [500, [0, 2, 3], 500])
})

t.test('what comes next', async (t) => {
  const cases: readonly {
    readonly name: string
    readonly pods: string
    readonly does: string
    readonly spec?: Partial<StatefulSetSpec>
  }[] = [
    { name: 'the first alone', pods: '', does: '+0' },
    { name: 'the second waits', pods: '0:new', does: '' },
    { name: 'the second comes', pods: '0:new-ready', does: '+1' },
    { name: 'the second waits for what proves itself', pods: '0:new-ready', spec: { minReadySeconds: 9 }, does: '' },
    { name: 'a hole is filled', pods: '0:new-ready 2:new-ready', does: '+1' },
    { name: 'no hole is filled while one goes', pods: '0:new-ready-going 2:new-ready', does: '' },
    { name: 'all are there', pods: all, does: '' },
    { name: 'in parallel', pods: '1:new', spec: parallel, does: '+0 +2' },
    { name: 'one that failed', pods: '0:new-failed', does: '-0' },
    { name: 'one that ended', pods: '0:new-ready 1:new-succeeded', does: '-1' },
    { name: 'in parallel: failed and missing', pods: '0:new-failed 1:new', spec: parallel, does: '+2 -0' },
    { name: 'too many: the last', pods: `${all} 3:new-ready 4:new-ready`, does: '-4' },
    { name: 'too many: one after the other', pods: `${all} 3:new-ready 4:new-ready-going`, does: '' },
    { name: 'too many: a broken one holds those before it', pods: `${all} 3:new 4:new-ready`, does: '-4' },
    { name: 'too many: only the first broken one goes', pods: `${all} 3:new 4:new`, does: '' },
    { name: 'too many: the broken one itself goes', pods: `${all} 3:new`, does: '-3' },
    { name: 'too many: not before the others work', pods: '0:new 1:new-ready 2:new-ready 3:new-ready', does: '' },
    { name: 'too many, in parallel', pods: `${all} 3:new-ready 4:new`, spec: parallel, does: '-4 -3' },
    { name: 'none', pods: all, spec: { replicas: 0, ...parallel }, does: '-2 -1 -0' },
    { name: 'from another start', pods: '', spec: { ordinals: { start: 5 } }, does: '+5' },
    { name: 'from a start far away', pods: '1500000000:new-ready', spec: farAway, does: '+1500000001' },
    { name: 'more than there will ever be', pods: '0:new-ready', spec: { replicas: 2 ** 31 - 1 }, does: '+1' },
    { name: 'the start moved', pods: all, spec: { ordinals: { start: 1 } }, does: '+3' },
    {
      name: 'the start moved, and all are there',
      pods: `${all} 3:new-ready`,
      spec: { ordinals: { start: 1 } },
      does: '-0',
    },
    { name: 'update: the last first', pods: '0:old-ready 1:old-ready 2:old-ready', does: '-2' },
    { name: 'update: waits', pods: '0:old-ready 1:old-ready 2:new', spec: parallel, does: '' },
    { name: 'update: goes on', pods: '0:old-ready 1:old-ready 2:new-ready', does: '-1' },
    {
      name: 'update: waits for what proves itself',
      pods: '0:old-ready 1:old-ready 2:new-ready',
      spec: { minReadySeconds: 9, ...parallel },
      does: '',
    },
    {
      name: 'update: down to the partition',
      pods: '0:old-ready 1:old-ready 2:new-ready',
      spec: { updateStrategy: rolling({ partition: 2 }) },
      does: '',
    },
    {
      name: 'update: several at once',
      pods: '0:old-ready 1:old-ready 2:old-ready',
      spec: { updateStrategy: rolling({ maxUnavailable: 2 }) },
      does: '-2 -1',
    },
    {
      name: 'update: the owner deletes',
      pods: '0:old-ready 1:old-ready 2:old-ready',
      spec: { updateStrategy: { type: 'OnDelete' } },
      does: '',
    },
  ]
  for (const { name, pods, does, spec } of cases) t.equal(says(viewOf(pods, spec)), does, name)
})

t.test('which revision a pod comes back with', async (t) => {
  const kept = (updateStrategy: StatefulSetSpec['updateStrategy'], spec: Partial<StatefulSetSpec> = {}) =>
    [0, 1, 2, 3].filter((ordinal) => keepsRevision(setOf({ updateStrategy, ...spec }), ordinal))
  t.same(kept(rolling()), [])
  t.same(kept(rolling({ partition: 2 })), [0, 1])
  t.same(kept(rolling({ partition: 2 }), { ordinals: { start: 1 } }), [0, 1, 2])
  t.same(kept({ type: 'RollingUpdate' }), [0, 1], 'as many as there were')
  t.same(kept({ type: 'OnDelete' }), [])
})

t.test('what the status counts', async (t) => {
  const count = (pods: string, spec?: Partial<StatefulSetSpec>) => countMembers(viewOf(pods, spec))
  t.same(count('0:old-ready 1:old 2:new-ready 3:new-going').status, {
    ...{ observedGeneration: 3, replicas: 4, readyReplicas: 2, availableReplicas: 2 },
    ...{ currentReplicas: 2, updatedReplicas: 1, currentRevision: 'web-old', updateRevision: 'web-new' },
  })
  t.match(count(all).status, { currentRevision: 'web-new', currentReplicas: 3 }, 'the update is complete')
  t.match(count(all, { updateStrategy: { type: 'OnDelete' } }).status, { currentRevision: 'web-old' })
  const later = count(all, { minReadySeconds: 8 })
  t.match(later, { againInMs: 3_000, status: { readyReplicas: 3, availableReplicas: 0 } })
})

t.test('names', async (t) => {
  const ordinal = (name: string) => ordinalOf(setOf(), { ...podOf('0'), metadata: { name } })
  t.same(['web-0', 'web-12', 'web-01', 'web-', 'other-0', 'web-x-0', 'web-9999999999'].map(ordinal), [
    ...[0, 12],
    ...[undefined, undefined, undefined, undefined, undefined],
  ])
  const claim = {
    ...{
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'www' },
      spec: { resources: {} },
      status: {},
    },
  }
  const set = setOf({ volumeClaimTemplates: [claim] })
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [], volumes: [{ name: 'www' }, { name: 'tmp' }] },
  }
  const pod = memberOf(set, template, 'web-new', 2)
  t.match(pod, {
    metadata: {
      ...{ name: 'web-2', namespace: 'default' },
      labels: {
        ...{ app: 'web', 'statefulset.kubernetes.io/pod-name': 'web-2', 'apps.kubernetes.io/pod-index': '2' },
        'controller-revision-hash': 'web-new',
      },
    },
    spec: { hostname: 'web-2', subdomain: 'nginx' },
  })
  t.same(pod.spec.volumes, [{ name: 'tmp' }, { name: 'www', persistentVolumeClaim: { claimName: 'www-web-2' } }])
})

t.test('with whom a claim goes', async (t) => {
  const ofSet = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'set' }
  const ofPod = (ordinal: number) => ({
    ...{ apiVersion: 'v1', kind: 'Pod', name: `web-${ordinal}`, uid: `pod-${ordinal}` },
  })
  const other = { apiVersion: 'v1', kind: 'ConfigMap', name: 'mine', uid: 'other' }
  for (const [whenDeleted, whenScaled, member, condemned] of [
    ['Retain', 'Retain', [], []],
    ['Delete', 'Retain', [ofSet], [ofSet]],
    ['Retain', 'Delete', [], [ofPod(5)]],
    ['Delete', 'Delete', [ofSet], [ofPod(5)]],
  ] as const) {
    const set = setOf({ persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } })
    const name = `${whenDeleted}/${whenScaled}`
    t.same(claimOwners(set, 1, podOf('1:new'), [other, ofPod(1)]), [other, ...member], `${name}: a member's`)
    t.same(claimOwners(set, 5, podOf('5:new'), [ofSet, other]), [other, ...condemned], `${name}: a condemned one's`)
  }
})
