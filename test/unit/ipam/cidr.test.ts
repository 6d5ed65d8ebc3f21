import t from 'tap'
import {
  addressAt,
  cidrOf,
  cidrSize,
  contains,
  formatAddress,
  formatCidr,
  overlaps,
  parseAddress,
  parseCidr,
  subnetAt,
  subnetCount,
} from '../../../src/ipam/cidr.ts'

const canonical = (text: string): string | undefined => {
  const address = parseAddress(text)
  return address && formatAddress(address)
}

t.test('addresses are written canonically: RFC 5952, section 4', async (t) => {
  const cases: [given: string, wanted: string][] = [
    ['10.96.0.1', '10.96.0.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::ABCD', '2001:db8::abcd'],
    ['::', '::'],
    ['::1', '::1'],
    ['fe80::', 'fe80::'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ]
  for (const [given, wanted] of cases) t.equal(canonical(given), wanted, given)
})

t.test('what is no address is refused', async (t) => {
  for (const text of [
    ...['', '10.0.0', '10.0.0.256', '010.0.0.1', '10.0.0.1 ', '10.0.0.1.2', '10.0.0.-1', '0x0a.0.0.1', '1e1.0.0.0'],
    ...[
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7:8::',
      'fe80::1%eth0',
      '::g',
      '12345::',
    ],
    ...['::1.2.3', '1.2.3.4::', '::ffff:10.0.0.256'],
  ])
    t.equal(parseAddress(text), undefined, JSON.stringify(text))
})

t.test('networks have no host bits', async (t) => {
  for (const text of ['10.0.0.0/8', '0.0.0.0/0', '10.0.0.1/32', '2001:db8::/32', '::/0', '::1/128']) {
    const cidr = parseCidr(text)
    t.equal(cidr && formatCidr(cidr), text)
  }
  for (const text of [
    '10.0.0.1/24',
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '2001:db8::1/64',
    '::/129',
  ])
    t.equal(parseCidr(text), undefined, text)
  t.throws(() => cidrOf('10.0.0.1/24'), /without host bits/)
})

t.test('what is in a network, and what two share', async (t) => {
  const of = (text: string) => parseAddress(text) ?? t.fail(text)
  const net = cidrOf('10.244.1.0/24')
  for (const [address, inside] of [
    ['10.244.1.0', true],
    ['10.244.1.255', true],
    ['10.244.2.0', false],
    ['::ffff:10.244.1.1', false],
  ] as const) {
    const parsed = of(address)
    if (typeof parsed === 'object') t.equal(contains(net, parsed), inside, address)
  }
  t.ok(overlaps(cidrOf('10.0.0.0/8'), net))
  t.ok(overlaps(net, cidrOf('10.0.0.0/8')))
  t.notOk(overlaps(cidrOf('10.244.0.0/24'), net))
  t.notOk(overlaps(cidrOf('::/0'), cidrOf('0.0.0.0/0')), 'of different families')
  t.equal(cidrSize(cidrOf('10.0.0.0/24')), 256n)
})

t.test('parts of networks by number', async (t) => {
  t.equal(addressAt('10.96.0.0/16', 1), '10.96.0.1')
  t.equal(addressAt('fd00::/64', 65_536), 'fd00::1:0')
  t.throws(() => addressAt('10.0.0.0/30', 4), /no address number 4/)
  const net = cidrOf('10.244.0.0/16')
  t.equal(subnetCount(net, 24), 256)
  t.equal(formatCidr(subnetAt(net, 24, 255)), '10.244.255.0/24')
  t.equal(formatCidr(subnetAt(cidrOf('fd00::/48'), 64, 3)), 'fd00:0:0:3::/64')
  t.throws(() => subnetAt(net, 24, 256))
  t.throws(() => subnetCount(net, 8), /cannot be split/)
})
