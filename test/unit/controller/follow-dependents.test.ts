import t from 'tap'
import { matchLabelSelector } from '../../../src/api/selectors.ts'
import type { Pod, ReplicaSet } from '../../../src/api/types/index.ts'
import { followDependents } from '../../../src/controller/follow-dependents.ts'
import { createFedInformer } from '../../support/fed-informer.ts'

const set = (name: string, app: string): ReplicaSet => ({
  ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name, namespace: 'default', uid: `uid-${name}` } },
  spec: { selector: { matchLabels: { app } }, template: { spec: { containers: [] } } },
})

const pod = (app: string, owner?: string): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: {
    ...{ name: 'p', namespace: 'default', labels: { app } },
    ...(owner === undefined
      ? {}
      : {
          ownerReferences: [
            { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: `uid-${owner}`, controller: true },
          ],
        }),
  },
  spec: { containers: [] },
})

t.test('who is told of what', async (t) => {
  const owners = createFedInformer<ReplicaSet>([set('a', 'x'), set('b', 'x'), set('c', 'y')], {
    uid: ({ metadata }) => [metadata.uid ?? ''],
    namespace: ({ metadata }) => [metadata.namespace ?? ''],
  })
  const dependents = createFedInformer<Pod>()
  const told: string[] = []
  followDependents({ owners, dependents, matcherOf: ({ spec }) => matchLabelSelector(spec.selector) }, (key) =>
    told.push(key.replace('default/', '')),
  )
  const after = (change: () => void): string => {
    told.length = 0
    change()
    return told.join(' ')
  }
  t.equal(
    after(() => dependents.put(pod('x'))),
    'a b',
    'an orphan: whoever may adopt it',
  )
  t.equal(
    after(() => dependents.put(pod('x', 'a'))),
    'a a b',
    'adopted: the owner, and those who can adopt no longer',
  )
  t.equal(
    after(() => dependents.put(pod('y', 'a'))),
    'a',
    'its labels changed: the owner releases it',
  )
  t.equal(
    after(() => dependents.put(pod('y', 'c'))),
    'c a',
    'another owner: both',
  )
  t.equal(
    after(() => dependents.put(pod('y', 'gone'))),
    'c',
    'an owner that nobody knows',
  )
  dependents.put(pod('y', 'c'))
  t.equal(
    after(() => dependents.remove('default/p')),
    'c',
    'gone',
  )
})
