import t from 'tap'
import { cidrOf } from '../../../src/ip/cidr.ts'
import { createRangeSet } from '../../../src/ipam/range-set.ts'

const setOf = (...texts: readonly string[]) => {
  const ranges = createRangeSet()
  for (const text of texts) ranges.add(cidrOf(text), text)
  return ranges
}

const cases: readonly { readonly has: readonly string[]; readonly asked: string; readonly says: string | undefined }[] =
  [
    { has: [], asked: '10.0.0.0/8', says: undefined },
    { has: ['10.1.0.0/24'], asked: '10.1.0.0/24', says: '10.1.0.0/24' },
    { has: ['10.1.0.0/24'], asked: '10.0.0.0/8', says: '10.1.0.0/24' },
    { has: ['10.0.0.0/8'], asked: '10.1.0.0/24', says: '10.0.0.0/8' },
    { has: ['10.0.0.0/8'], asked: '10.0.0.0/24', says: '10.0.0.0/8' },
    { has: ['10.0.0.0/8'], asked: '10.255.255.0/24', says: '10.0.0.0/8' },
    { has: ['10.1.0.0/24'], asked: '10.1.1.0/24', says: undefined },
    { has: ['10.1.1.0/24'], asked: '10.1.0.0/24', says: undefined },
    { has: ['10.1.0.0/24', '10.1.2.0/24'], asked: '10.1.1.0/24', says: undefined },
    { has: ['10.1.2.0/24', '10.1.0.0/24'], asked: '10.1.0.0/23', says: '10.1.0.0/24' },
    { has: ['10.1.2.0/24', '10.1.0.0/24'], asked: '10.1.2.128/25', says: '10.1.2.0/24' },
    { has: ['fd00::/64'], asked: '10.0.0.0/8', says: undefined },
    { has: ['0.0.0.0/0'], asked: 'fd00::/64', says: undefined },
    { has: ['0.0.0.0/0'], asked: '255.255.255.255/32', says: '0.0.0.0/0' },
    { has: ['fd00:0:0:1::/64', 'fd00::/64'], asked: 'fd00::/48', says: 'fd00::/64' },
    { has: ['fd00::/48'], asked: 'fd00:0:0:ffff::/64', says: 'fd00::/48' },
  ]

for (const { has, asked, says } of cases)
  t.equal(setOf(...has).overlapping(cidrOf(asked)), says, `${asked} among ${has.join(', ') || 'none'}`)

t.test('what overlaps is not taken, and changes nothing', async (t) => {
  const ranges = setOf('10.1.0.0/24')
  t.throws(() => ranges.add(cidrOf('10.1.0.0/16'), 'me'), /^the range of me overlaps that of 10\.1\.0\.0\/24$/)
  t.equal(ranges.overlapping(cidrOf('10.1.9.0/24')), undefined)
})

t.test('many, in any order', async (t) => {
  const numbers = Array.from({ length: 64 }, (_, n) => (n * 37) % 64)
  const ranges = setOf(...numbers.map((n) => `10.1.${2 * n}.0/24`))
  for (const n of numbers) {
    t.equal(ranges.overlapping(cidrOf(`10.1.${2 * n}.64/26`)), `10.1.${2 * n}.0/24`)
    t.equal(ranges.overlapping(cidrOf(`10.1.${2 * n + 1}.0/24`)), undefined)
  }
})
