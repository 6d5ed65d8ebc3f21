import t from 'tap'
import {
  directionOf,
  isFixedPolicyChain,
  isPolicyChain,
  policyChain,
  policyChains,
} from '../../../../src/overlay/policy/names.ts'

t.test('the same thing has the same name, another thing another, and all are short enough', async (t) => {
  const names = (['G', 'S', 'B', 'T'] as const).flatMap((kind) =>
    (['ingress', 'egress'] as const).flatMap((direction) =>
      [['a', 'b'], ['a b'], ['ab'], ['a'], []].map((parts) => policyChain(kind, direction, ...parts)),
    ),
  )
  t.equal(new Set(names).size, names.length)
  t.equal(policyChain('G', 'ingress', 'x/a'), policyChain('G', 'ingress', 'x/a'))
  t.match(policyChain('G', 'ingress', 'x/a'), /^PODWAY-NPG-I[0-9A-F]{15}$/)
  for (const name of [...names, ...Object.values(policyChains)]) {
    t.ok(isPolicyChain(name), name)
    t.ok(name.length <= 28, name)
  }
})

t.test('chains that are always there, those of any version, and those of others', async (t) => {
  for (const name of Object.values(policyChains)) t.ok(isFixedPolicyChain(name), name)
  t.equal(new Set(Object.values(policyChains)).size, 4)
  t.notOk(isFixedPolicyChain(policyChain('G', 'ingress')))
  t.ok(isPolicyChain('PODWAY-NPX-OF-LATER'))
  for (const name of ['PODWAY-NP', 'PODWAY-NPG', 'PODWAY-POLICY-OLD', 'PODWAY-SERVICES', 'X-PODWAY-NPG-I1', 'INPUT'])
    t.notOk(isPolicyChain(name), name)
})

t.test('chains that ask policies know for which direction', async (t) => {
  for (const kind of ['G', 'T'] as const) {
    t.equal(directionOf(policyChain(kind, 'ingress', 'x')), 'ingress')
    t.equal(directionOf(policyChain(kind, 'egress', 'x')), 'egress')
  }
  for (const name of [policyChain('S', 'ingress'), policyChain('B', 'egress'), 'X-PODWAY-NPG-I1', 'PODWAY-NPG-X1'])
    t.equal(directionOf(name), undefined, name)
})
