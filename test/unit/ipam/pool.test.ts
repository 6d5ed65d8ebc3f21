import t from 'tap'
import {
  createAddressPool,
  createPortPool,
  createSubnetPool,
  isExhausted,
  isOutOfRange,
  isTaken,
  staticAddressBand,
  staticPortBand,
} from '../../../src/ipam/pool.ts'

const failure = (action: () => unknown): unknown => {
  try {
    action()
    return undefined
  } catch (error) {
    return error
  }
}

t.test('verbs come in idempotent pairs', async (t) => {
  const pool = createAddressPool({ cidr: '10.1.0.0/24' })
  const first = pool.assign('a')
  t.equal(pool.assign('a'), first, 'the same owner again')
  t.equal(pool.assign('a', first), first)
  t.equal(pool.held('a'), first)
  t.ok(isTaken(failure(() => pool.assign('b', first))), 'another owner')
  t.ok(isTaken(failure(() => pool.assign('a', '10.1.0.77'))), 'a second one for the same owner')
  pool.release('a')
  pool.release('a')
  t.equal(pool.held('a'), undefined)
  t.equal(pool.assign('b', first), first)
  t.same([...pool.entries()], [['b', first]])
})

t.test('a freed address rests until all others have been used', async (t) => {
  const pool = createAddressPool({ cidr: '10.1.0.0/29' })
  t.same(
    ['a', 'b', 'c'].map((owner) => pool.assign(owner)),
    ['10.1.0.1', '10.1.0.2', '10.1.0.3'],
  )
  pool.release('a')
  t.same(
    ['d', 'e', 'f'].map((owner) => pool.assign(owner)),
    ['10.1.0.4', '10.1.0.5', '10.1.0.6'],
  )
  t.equal(pool.assign('g'), '10.1.0.1', 'now it is its turn')
  t.ok(isExhausted(failure(() => pool.assign('h'))))
})

t.test("edges and reserved addresses are nobody's", async (t) => {
  const pool = createAddressPool({ cidr: '10.1.0.0/30', reserved: ['10.1.0.1'] })
  for (const address of ['10.1.0.0', '10.1.0.3', '10.1.0.1', '10.1.0.4', 'text', 'fd00::1'])
    t.ok(isOutOfRange(failure(() => pool.assign('a', address))), address)
  t.equal(pool.assign('a'), '10.1.0.2')
  const six = createAddressPool({ cidr: 'fd00::/64' })
  t.equal(six.assign('a'), 'fd00::1', 'only the first is an edge in IPv6')
})

t.test('a static band is left to those who ask', async (t) => {
  const pool = createAddressPool({ cidr: '10.1.0.0/28', staticBand: 8 })
  t.equal(pool.assign('a'), '10.1.0.8')
  t.equal(pool.assign('b', '10.1.0.3'), '10.1.0.3')
  const rest = Array.from({ length: 11 }, (_, n) => pool.assign(`c${n}`))
  t.same(rest.slice(0, 6), ['10.1.0.9', '10.1.0.10', '10.1.0.11', '10.1.0.12', '10.1.0.13', '10.1.0.14'])
  t.same(
    rest.slice(6),
    ['10.1.0.4', '10.1.0.5', '10.1.0.6', '10.1.0.7', '10.1.0.1'],
    'and used when nothing else is left',
  )
})

t.test('the bands of KEP 3070 and KEP 3668', async (t) => {
  const bands: [cidr: string, band: number][] = [
    ['10.96.0.0/12', 256],
    ['10.96.0.0/16', 256],
    ['10.96.0.0/24', 16],
    ['10.96.0.0/20', 256],
    ['10.96.0.0/22', 64],
  ]
  for (const [cidr, band] of bands) t.equal(staticAddressBand(cidr), band, cidr)
  t.equal(staticPortBand({ from: 30_000, to: 32_767 }), 86)
  t.equal(createPortPool({ from: 30_000, to: 32_767, staticBand: 86 }).assign('a'), 30_086)
})

t.test('networks of nodes', async (t) => {
  const pool = createSubnetPool({ cidr: '10.244.0.0/16', prefixLength: 24 })
  t.equal(pool.assign('n1', '10.244.0.0/24'), '10.244.0.0/24')
  t.equal(pool.assign('n2'), '10.244.1.0/24')
  for (const item of ['10.244.0.0/25', '10.245.0.0/24', '10.244.0.1/24', 'x'])
    t.ok(isOutOfRange(failure(() => pool.assign('n3', item))), item)
  for (let n = 3; n <= 256; n++) pool.assign(`n${n}`)
  t.ok(isExhausted(failure(() => pool.assign('n257'))))
})

t.test('ports', async (t) => {
  const pool = createPortPool({ from: 30_000, to: 30_001 })
  t.equal(pool.assign('a', 30_001), 30_001)
  t.equal(pool.assign('b'), 30_000)
  for (const port of [29_999, 30_002, 30_000.5]) t.ok(isOutOfRange(failure(() => pool.assign('c', port))))
})

t.test('random owners never share, and never lose what they hold', async (t) => {
  const pool = createAddressPool({ cidr: '10.1.0.0/26' })
  const holds = new Map<string, string>()
  let seed = 42
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return (seed >>> 8) % below
  }
  for (let n = 0; n < 5_000; n++) {
    const owner = `o${random(80)}`
    if (random(2) === 0) {
      pool.release(owner)
      holds.delete(owner)
    } else {
      const error = failure(() => holds.set(owner, pool.assign(owner)))
      if (error !== undefined && !(isExhausted(error) && holds.size === 62)) t.fail(String(error))
    }
  }
  t.same(new Map(pool.entries()), holds)
  t.equal(new Set(holds.values()).size, holds.size)
})

t.test('the smallest networks have no edges', async (t) => {
  const two = createAddressPool({ cidr: '10.1.0.0/31' })
  t.same([two.assign('a'), two.assign('b')], ['10.1.0.0', '10.1.0.1'])
  t.match(
    failure(() => two.assign('c')),
    { message: '10.1.0.0/31 is full: all 2 are held' },
  )
  t.equal(createAddressPool({ cidr: '10.1.0.7/32' }).assign('a'), '10.1.0.7')
  const four = createAddressPool({ cidr: '10.1.0.0/30' })
  t.same([four.assign('a'), four.assign('b')], ['10.1.0.1', '10.1.0.2'])
})

t.test('the search goes on behind what was asked for, and begins anew at the end', async (t) => {
  const pool = createAddressPool({ cidr: '10.1.0.0/29' })
  t.equal(pool.assign('a', '10.1.0.4'), '10.1.0.4')
  t.equal(pool.assign('b'), '10.1.0.5')
  t.equal(pool.assign('c', '10.1.0.6'), '10.1.0.6')
  t.equal(pool.assign('d'), '10.1.0.1', 'the last one is an edge')
  const ports = createPortPool({ from: 1, to: 3 })
  t.equal(ports.assign('a', 3), 3)
  t.equal(ports.assign('b'), 1)
})

t.test('each band has its own turn', async (t) => {
  const pool = createPortPool({ from: 1, to: 6, staticBand: 2 })
  t.equal(pool.assign('a', 1), 1)
  t.equal(pool.assign('b'), 3, 'what is asked for below does not move the turn above')
  t.equal(pool.assign('c', 3 + 1), 4)
  t.same([pool.assign('d'), pool.assign('e')], [5, 6])
  t.equal(pool.assign('f'), 2, 'behind the one that was asked for')
  t.ok(isExhausted(failure(() => pool.assign('g'))))
  pool.release('a')
  t.equal(pool.assign('g'), 1)
  pool.release('b')
  t.equal(pool.assign('h'), 3, 'the first of its band')
})

t.test('what is beyond the pool is not asked for', async (t) => {
  const six = createAddressPool({ cidr: 'fd00::/64' })
  t.equal(six.assign('a', 'fd00::ff:ffff'), 'fd00::ff:ffff', 'the last that is used of a large network')
  t.ok(isOutOfRange(failure(() => six.assign('b', 'fd00::100:0'))))
  const subnets = createSubnetPool({ cidr: 'fd00::/32', prefixLength: 64 })
  t.equal(subnets.assign('a', 'fd00:0:ff:ffff::/64'), 'fd00:0:ff:ffff::/64')
  t.ok(isOutOfRange(failure(() => subnets.assign('b', 'fd00:0:100::/64'))))
  const ports = createPortPool({ from: 10, to: 12 })
  for (const port of [9, 13, 10.5, Number.NaN]) t.ok(isOutOfRange(failure(() => ports.assign('a', port))), String(port))
  t.match(
    failure(() => ports.assign('a', 13)),
    { message: '13 is not one that the range 10-12 gives out' },
  )
  t.equal(ports.assign('a', 10), 10)
  t.equal(ports.assign('b', 12), 12)
})

t.test('where the bands of ports begin and end', async (t) => {
  const band = (size: number) => staticPortBand({ from: 100, to: 99 + size })
  t.same([16, 17, 512, 544, 4096, 4128].map(band), [0, 16, 16, 17, 128, 128])
  t.same(['10.0.0.0/24', '10.0.0.0/23', '10.0.0.0/20', '10.0.0.0/8'].map(staticAddressBand), [16, 32, 256, 256])
})
