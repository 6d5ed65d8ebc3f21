import t from 'tap'
import { weighted } from '../../../src/proxy/ingress/decide/canary.ts'
import type { BackendKey } from '../../../src/proxy/ingress/policy/backend-key.ts'
import type { Target } from '../../../src/proxy/ingress/routes/rule.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const target = (name: string, weight: number): Target => ({ backend: name as BackendKey, status: 500, weight })

t.test('targets get their share', async (t) => {
  const seeded = createSeededRandom(11)
  const random = () => seeded.below(1_000_000) / 1_000_000
  const targets = [target('a', 1), target('b', 0), target('c', 3)]
  const counts: Record<string, number> = { a: 0, b: 0, c: 0 }
  for (let asked = 0; asked < 4_000; asked++) {
    const name = weighted(targets, random)?.backend ?? 'none'
    counts[name] = (counts[name] ?? 0) + 1
  }
  t.equal(counts['b'], 0)
  t.ok(Math.abs((counts['a'] ?? 0) - 1_000) < 120, JSON.stringify(counts))
  t.equal((counts['a'] ?? 0) + (counts['c'] ?? 0), 4_000)
})

t.test('the edges of chance', async (t) => {
  const targets = [target('a', 1), target('b', 1)]
  t.equal(weighted(targets, () => 0)?.backend, 'a')
  t.equal(weighted(targets, () => 0.5)?.backend, 'b')
  t.equal(weighted(targets, () => 0.999_999)?.backend, 'b')
  for (const nobody of [[], [target('a', 0)], [target('a', 0), target('b', 0)]])
    t.equal(
      weighted(nobody, () => 0),
      undefined,
    )
})
