import t from 'tap'
import {
  formatAddress,
  formatPrefix,
  isWithin,
  parseAddress,
  parseCidr,
  rangeMatch,
} from '../../../../src/host/netfilter/address.ts'

t.test('addresses become digits and canonical text', async (t) => {
  const cases = [
    ['IPv4', '10.96.0.1', '0a600001', '10.96.0.1'],
    ['IPv4', '255.255.255.255', 'ffffffff', '255.255.255.255'],
    ['IPv6', 'fd00:96::A:0:0:1', 'fd00009600000000000a000000000001', 'fd00:96::a:0:0:1'],
    ['IPv6', '::1', '00000000000000000000000000000001', '::1'],
    ['IPv6', '::', '0'.repeat(32), '::'],
    ['IPv6', 'FD00::', `fd00${'0'.repeat(28)}`, 'fd00::'],
    ['IPv6', '1:2:3:4:5:6:0:8', '00010002000300040005000600000008', '1:2:3:4:5:6:0:8'],
    ['IPv6', '1:0:0:4:5:0:0:8', '00010000000000040005000000000008', '1::4:5:0:0:8'],
    ['IPv6', '1:0:0:4:0:0:0:8', '00010000000000040000000000000008', '1:0:0:4::8'],
    ['IPv6', '1::8', '00010000000000000000000000000008', '1::8'],
  ] as const
  for (const [family, text, digits, canonical] of cases) {
    const parsed = parseAddress(text, family) ?? ''
    t.same([parsed, formatAddress(parsed, family)], [digits, canonical], text)
  }
})

t.test('what is no address of the family is refused', async (t) => {
  for (const text of ['', '10.96.0', '010.0.0.1', '1.2.3.4 -j ACCEPT', '1.2.3.4\n', 'fd00::1', 'localhost'])
    t.equal(parseAddress(text, 'IPv4'), undefined, JSON.stringify(text))
  for (const text of ['10.0.0.1', '::ffff:1.2.3.4', 'fe80::1%eth0', '1::2::3', ':::', 'fd00::1 -j ACCEPT'])
    t.equal(parseAddress(text, 'IPv6'), undefined, JSON.stringify(text))
})

t.test('prefixes and ranges', async (t) => {
  t.equal(formatPrefix('0a6', 'IPv4'), '10.96.0.0/12')
  t.equal(formatPrefix('fd000096', 'IPv6'), 'fd00:96::/32')
  t.equal(parseCidr('10.96.255.7/18', 'IPv4')?.text, '10.96.192.0/18')
  t.equal(parseCidr('fd00:96::ffff/126', 'IPv6')?.text, 'fd00:96::fffc/126')
  t.equal(parseCidr('10.0.0.1/32', 'IPv4')?.text, '10.0.0.1/32')
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', 'fd00::/64'])
    t.equal(parseCidr(text, 'IPv4'), undefined, text)
})

t.test('membership and matches', async (t) => {
  const within = (address: string, range: string): boolean | undefined => {
    const parsed = parseCidr(range, 'IPv4')
    return parsed && isWithin(parseAddress(address, 'IPv4') ?? '', parsed)
  }
  t.same(
    [within('10.1.3.9', '10.1.2.0/23'), within('10.1.4.1', '10.1.2.0/23'), within('1.2.3.4', '0.0.0.0/0')],
    [true, false, true],
  )
  const all = parseCidr('0.0.0.0/0', 'IPv4')
  const some = parseCidr('10.1.0.0/16', 'IPv4')
  t.same([all && rangeMatch('-s', all), some && rangeMatch('-d', some)], ['', '-d 10.1.0.0/16'])
})
