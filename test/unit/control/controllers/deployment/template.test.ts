/** Which replica set has which template. */
import t from 'tap'
import type { PodTemplateSpec } from '../../../../../src/api/types/index.ts'
import { byAge, findCurrent } from '../../../../../src/control/controllers/deployment/template.ts'
import { templateHash } from '../../../../../src/control/controllers/template-hash.ts'
import { deployment, set, template } from './sets.ts'

t.test('equal templates have equal hashes, in whatever order they are written', async (t) => {
  const one: PodTemplateSpec = {
    metadata: { labels: { a: '1', b: '2' } },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  }
  const other: PodTemplateSpec = {
    spec: { containers: [{ image: 'i', name: 'c' }] },
    metadata: { labels: { b: '2', a: '1' } },
  }
  t.equal(templateHash(one), templateHash(other))
  t.match(templateHash(one), /^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/)
  const changed = { ...one, spec: { containers: [{ name: 'c', image: 'j' }] } }
  const lists = { ...one, spec: { containers: [{ name: 'd', image: 'i' }, ...one.spec.containers] } }
  const hashes = [
    templateHash(one),
    templateHash(changed),
    templateHash(lists),
    templateHash(one, 1),
    templateHash(one, 2),
  ]
  t.equal(new Set(hashes).size, hashes.length)
  t.equal(templateHash(one, 0), templateHash(one))
})

t.test('the oldest first; of those born at once by name', async (t) => {
  const sets = [
    set('b', 1, { born: '2026-01-02T00:00:00Z' }),
    set('c', 1, { born: '2026-01-01T00:00:00Z' }),
    set('a', 1, { born: '2026-01-02T00:00:00Z' }),
  ]
  t.same(
    byAge(sets).map(({ metadata }) => metadata.name),
    ['c', 'a', 'b'],
  )
})

t.test('the current set has the template but for the hash that tells it apart', async (t) => {
  const wanted = deployment(3)
  const hashed = (name: string, image: string, born: string) => {
    const one = set(name, 1, { image, born })
    const { metadata, spec } = one.spec.template
    const labels = { ...metadata?.labels, 'pod-template-hash': name }
    return { ...one, spec: { ...one.spec, template: { metadata: { ...metadata, labels }, spec } } }
  }
  const sets = [
    hashed('late', 'v2', '2026-01-03T00:00:00Z'),
    hashed('early', 'v2', '2026-01-02T00:00:00Z'),
    hashed('old', 'v1', '2026-01-01T00:00:00Z'),
  ]
  t.equal(findCurrent(wanted, sets)?.metadata.name, 'early')
  t.equal(findCurrent(deployment(3, { template: template('v3') }), sets), undefined)
  const { metadata: _, ...unlabelled } = template('v2')
  t.equal(findCurrent(deployment(3, { template: unlabelled }), sets), undefined, 'other labels are another template')
})
