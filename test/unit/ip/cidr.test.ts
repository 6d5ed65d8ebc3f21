import t from 'tap'
import { addressOf } from '../../../src/ip/address.ts'
import { createAddressSet } from '../../../src/ip/address-set.ts'
import {
  addressAt,
  cidrOf,
  cidrSize,
  cidrsIn,
  contains,
  hostCidr,
  hostRange,
  includes,
  networkOf,
  overlaps,
  parseAddressOrCidr,
  parseCidr,
  parseMaskedCidr,
  subnetAt,
  subnetCount,
} from '../../../src/ip/cidr.ts'

t.test('networks have no host bits', async (t) => {
  for (const text of ['10.0.0.0/8', '0.0.0.0/0', '10.0.0.1/32', '2001:db8::/32', '::/0', '::1/128'])
    t.equal(parseCidr(text)?.text, text)
  for (const text of ['10.0.0.1/24', '10.0.0.128/24', '2001:db8::1/64']) t.equal(parseCidr(text), undefined, text)
  t.throws(() => cidrOf('10.0.0.1/24'), /without host bits/)
})

t.test('what is no network is refused', async (t) => {
  for (const text of [
    ...['10.0.0.0', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/08', '10.0.0.0/-1', '10.0.0.0/8/8', '/8', '::/129', ''],
    ...['10.0.0.0/ 8', '10.0.0.0/8 ', '10.0.0.0/1e1', '::ffff:10.0.0.0/104', 'fe80::%eth0/64', '010.0.0.0/8'],
  ]) {
    t.equal(parseCidr(text), undefined, text)
    t.equal(parseMaskedCidr(text), undefined, text)
  }
  t.equal(parseCidr(JSON.parse('{}')), undefined, 'whatever its type claims to be')
  t.equal(parseCidr('fd00::/64', 'IPv4'), undefined, 'of the other family')
})

t.test('where bits outside of the prefix are forgiven', async (t) => {
  t.equal(parseMaskedCidr('10.96.255.7/18')?.text, '10.96.192.0/18')
  t.equal(parseMaskedCidr('fd00:96::ffff/126')?.text, 'fd00:96::fffc/126')
  t.equal(networkOf('10.244.3.7', 24), '10.244.3.0/24')
  t.same(
    cidrsIn(['10.1.2.3/8', 'fd00::/64', 'x'], 'IPv4').map(({ text }) => text),
    ['10.0.0.0/8'],
  )
  t.same([parseAddressOrCidr('10.0.0.1')?.text, parseAddressOrCidr('::1/64')?.text], ['10.0.0.1/32', '::/64'])
  t.equal(hostRange(addressOf('::1')).text, hostCidr('::1'))
})

t.test('what is in a network, and what two share', async (t) => {
  const net = cidrOf('10.244.2.0/23')
  for (const [address, inside] of [
    ['10.244.2.0', true],
    ['10.244.3.255', true],
    ['10.244.1.255', false],
    ['10.244.4.0', false],
    ['0af4:200::', false],
  ] as const)
    t.equal(contains(net, addressOf(address)), inside, address)
  t.ok(contains(cidrOf('0.0.0.0/0'), addressOf('1.2.3.4')))
  t.notOk(contains(cidrOf('0.0.0.0/0'), addressOf('::1')), 'of different families')
  t.ok(overlaps(cidrOf('10.0.0.0/8'), net))
  t.ok(overlaps(net, cidrOf('10.0.0.0/8')))
  t.notOk(overlaps(cidrOf('10.244.0.0/23'), net))
  t.notOk(overlaps(cidrOf('::/0'), cidrOf('0.0.0.0/0')), 'of different families')
  t.same(
    [includes(cidrOf('10.0.0.0/8'), net), includes(net, cidrOf('10.0.0.0/8')), includes(net, net)],
    [true, false, true],
  )
  t.equal(cidrSize(cidrOf('10.0.0.0/24')), 256n)
})

t.test('parts of networks by number', async (t) => {
  t.equal(addressAt('10.96.0.0/16', 1), '10.96.0.1')
  t.equal(addressAt('fd00::/64', 65_536), 'fd00::1:0')
  t.throws(() => addressAt('10.0.0.0/30', 4), /no address number 4/)
  const net = cidrOf('10.244.0.0/16')
  t.equal(subnetCount(net, 24), 256)
  t.equal(subnetAt(net, 24, 255).text, '10.244.255.0/24')
  t.equal(subnetAt(cidrOf('fd00::/48'), 64, 3).text, 'fd00:0:0:3::/64')
  t.throws(() => subnetAt(net, 24, 256), /no part number 256/)
  t.throws(() => subnetCount(net, 8), /cannot be split/)
})

t.test('an address among many networks of any length', async (t) => {
  const texts = ['10.0.0.0/7', '172.16.0.0/12', '192.0.2.1/32', '192.0.2.8/29', 'fd00::/10', '2001:db8::1/128']
  const ranges = texts.map(cidrOf)
  const isHeld = createAddressSet(ranges)
  const asked = [
    '9.255.0.1',
    '11.1.1.1',
    '12.0.0.0',
    '172.31.1.1',
    '172.32.0.0',
    '192.0.2.1',
    '192.0.2.2',
    '192.0.2.15',
  ]
  for (const text of [...asked, '192.0.2.16', 'fd3f::1', 'fd40::', 'fe00::', '2001:db8::1', '2001:db8::2']) {
    const address = addressOf(text)
    t.equal(
      isHeld(address),
      ranges.some((range) => contains(range, address)),
      text,
    )
  }
  t.equal(createAddressSet([])(addressOf('10.0.0.1')), false)
  t.equal(createAddressSet([cidrOf('0.0.0.0/0')])(addressOf('10.0.0.1')), true)
})
