import t from 'tap'
import type { Deployment } from '../../../../../src/api/types/index.ts'
import {
  currentAnnotations,
  nextRevision,
  revisionOf,
  revisionPatch,
  sizeAnnotations,
  surplusHistory,
} from '../../../../../src/control/controllers/deployment/revisions.ts'
import { byAge, findCurrent, hashLabel } from '../../../../../src/control/controllers/deployment/template.ts'
import { templateHash } from '../../../../../src/control/controllers/template-hash.ts'
import { deployment, set, template } from './sets.ts'

const revision = 'deployment.kubernetes.io/revision'
const history = 'deployment.kubernetes.io/revision-history'
const annotated = (annotations: Readonly<Record<string, string>>): Deployment => ({
  ...deployment(3),
  metadata: { name: 'web', namespace: 'default', annotations },
})
const numbered = (name: string, number: string, replicas = 0) =>
  set(name, replicas, { annotations: { [revision]: number } })

t.test('numbers', async (t) => {
  t.equal(revisionOf(numbered('a', '7')), 7n)
  t.equal(revisionOf(numbered('a', '3546343826724305832')), 3546343826724305832n)
  for (const text of ['', 'x', '1.5', '9999999999999999999']) t.equal(revisionOf(numbered('a', text)), 0n, text)
  t.equal(revisionOf(set('a', 0)), 0n)
  t.equal(nextRevision([]), 1n)
  t.equal(nextRevision([numbered('a', '2'), numbered('b', '9'), set('c', 0)]), 10n)
})

t.test('what the current set is annotated with', async (t) => {
  const own = annotated({ note: 'x', [revision]: '5', 'kubectl.kubernetes.io/last-applied-configuration': '{}' })
  t.same(currentAnnotations(own, undefined, 3n), { note: 'x', [revision]: '3' })
  t.same(currentAnnotations(own, numbered('a', '3'), 3n), { note: 'x', [revision]: '3' }, 'it is the newest already')
  t.same(currentAnnotations(own, numbered('a', '1'), 3n), { note: 'x', [revision]: '3', [history]: '1' })
  const again = set('a', 0, { annotations: { [revision]: '4', [history]: '1', kept: 'y' } })
  t.same(currentAnnotations(own, again, 6n), { note: 'x', kept: 'y', [revision]: '6', [history]: '1,4' })
  t.same(sizeAnnotations(deployment(3), 2), {
    'deployment.kubernetes.io/desired-replicas': '3',
    'deployment.kubernetes.io/max-replicas': '5',
  })
  t.match(sizeAnnotations(deployment(undefined), 1), { 'deployment.kubernetes.io/max-replicas': '2' })
})

t.test('the deployment follows', async (t) => {
  t.same(revisionPatch(annotated({}), numbered('a', '2')), { [revision]: '2' })
  t.same(revisionPatch(annotated({ [revision]: '1' }), numbered('a', '2')), { [revision]: '2' })
  t.equal(revisionPatch(annotated({ [revision]: '2' }), numbered('a', '2')), undefined)
  t.equal(revisionPatch(annotated({}), set('a', 1)), undefined)
})

t.test('history that is too long', async (t) => {
  const names = (limit: number | undefined, sets: Parameters<typeof surplusHistory>[1]) =>
    surplusHistory(deployment(3, limit === undefined ? {} : { revisionHistoryLimit: limit }), sets).map(
      ({ metadata }) => metadata.name,
    )
  const old = ['3', '1', '2'].map((number) => numbered(`r${number}`, number))
  t.same(names(3, old), [])
  t.same(names(1, old), ['r1', 'r2'], 'lowest first')
  t.same(names(0, old), ['r1', 'r2', 'r3'])
  t.same(names(undefined, old), [], 'ten are kept')
  t.same(names(0, [numbered('a', '1', 1)]), [], 'not while it has pods')
  const status = { replicas: 0, observedGeneration: 1 }
  t.same(names(0, [set('a', 0, { status: { ...status, replicas: 1 } })]), [], 'nor while some are left')
  t.same(names(0, [set('a', 0, { status: { ...status, observedGeneration: 0 } })]), [], 'nor before it was looked at')
  t.same(names(0, [set('a', 0, { status })]), ['a'])
  const going = set('a', 0)
  t.same(names(0, [{ ...going, metadata: { ...going.metadata, deletionTimestamp: 'now' } }]), [], 'nor twice')
})

t.test('which set is current', async (t) => {
  const [first, second] = [set('b', 0), set('a', 0, { born: '2026-01-02T00:00:00Z' })]
  t.same(
    byAge([second, first]).map(({ metadata }) => metadata.name),
    ['b', 'a'],
  )
  t.same(
    byAge([set('z', 0), set('y', 0)]).map(({ metadata }) => metadata.name),
    ['y', 'z'],
  )
  t.equal(findCurrent(deployment(3), [set('old', 3)]), undefined)
  const current = (image: string) => set(image, 3, { image })
  t.equal(findCurrent(deployment(3), [current('v1'), current('v2')])?.metadata.name, 'v2')
  const hashed = current('v2')
  const labels = { app: 'web', [hashLabel]: 'abc' }
  const labelled = { ...hashed, spec: { ...hashed.spec, template: { ...template('v2'), metadata: { labels } } } }
  t.equal(findCurrent(deployment(3), [labelled])?.metadata.name, 'v2', 'its hash is no part of it')
  const twins = [set('young', 3, { image: 'v2', born: '2026-01-02T00:00:00Z' }), set('old', 3, { image: 'v2' })]
  t.equal(findCurrent(deployment(3), twins)?.metadata.name, 'old')
})

t.test('hashes of templates', async (t) => {
  t.equal(templateHash(template('v1')), templateHash(template('v1')))
  t.not(templateHash(template('v1')), templateHash(template('v2')))
  t.not(templateHash(template('v1'), 1), templateHash(template('v1')))
  t.not(templateHash(template('v1'), 2), templateHash(template('v1'), 1))
  t.match(templateHash(template('v1')), /^[bcdfghjklm]{1,10}$/)
  const turned = { spec: { containers: [{ image: 'v1', name: 'main' }] }, metadata: { labels: { app: 'web' } } }
  t.equal(templateHash(turned), templateHash(template('v1')), 'whatever the order of the keys')
})
