import { isIPv4, isIPv6 as isNodeIPv6 } from 'node:net'
import t from 'tap'
import {
  addressNumber,
  addressNumbered,
  addressOf,
  addressWith,
  canonicalAddress,
  familiesOf,
  familyOf,
  isAddress,
  isMappedAddress,
  joinHostPort,
  parseAddress,
  parsePeerAddress,
} from '../../../src/ip/address.ts'
import { attacks } from '../../support/hostile-objects.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

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
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['1:2:3:4:5:6:0:8', '1:2:3:4:5:6:0:8'],
  ]
  for (const [given, wanted] of cases) t.equal(canonicalAddress(given), wanted, given)
})

t.test('an address is its digits', async (t) => {
  t.same(addressOf('10.96.0.1'), { family: 'IPv4', digits: '0a600001', text: '10.96.0.1' })
  t.equal(addressOf('FD00:96::A:0:0:1').digits, 'fd00009600000000000a000000000001')
  t.same(addressWith('fd', 'IPv6'), { family: 'IPv6', digits: `fd${'0'.repeat(30)}`, text: 'fd00::' })
  for (const text of ['10.0.0.1', '255.255.255.255', '::', 'fd00::1'])
    t.equal(addressNumbered(addressNumber(addressOf(text)), familyOf(text)).text, text, 'there and back by number')
})

t.test('what is no address is refused', async (t) => {
  for (const text of [
    ...['', '10.0.0', '10.0.0.256', '010.0.0.1', '10.0.0.00', '10.0.0.1 ', '10.0.0.1.2', '10.0.0.-1', '0x0a.0.0.1'],
    ...['1e1.0.0.0', '10..0.1', '.10.0.0.1', '10.0.0.1.', '10.0.0.1\n', '10.0.0.1/32', '10.0.0.1:80', '١.0.0.1'],
    ...[':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8::', ':1:2:3:4:5:6:7:8'],
    ...['fe80::1%eth0', '::g', '12345::', '[::1]', '::1.2.3', '1.2.3.4::', '::1.2.3.04', 'localhost'],
    ...['::ffff:10.0.0.1', '::ffff:a00:1'],
    ...Object.values(attacks).map((attack) => `${attack('10.0.0.1')} `),
  ]) {
    t.equal(parseAddress(text), undefined, JSON.stringify(text))
    t.throws(() => addressOf(text), /is not an IP address/)
  }
  t.same([parseAddress('10.0.0.1', 'IPv6'), parseAddress('::1', 'IPv4')], [undefined, undefined], 'of the other family')
  t.equal(parseAddress(JSON.parse('17')), undefined, 'whatever its type claims to be')
})

t.test('the other end as sockets and proxies tell it', async (t) => {
  const cases: [given: string, wanted: string | undefined][] = [
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::FFFF:a00:1', '10.0.0.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['fe80::1%', undefined],
    ['10.0.0.1%eth0', undefined],
    ['::ffff:10.0.0.256', undefined],
    ['', undefined],
  ]
  for (const [given, wanted] of cases) t.equal(parsePeerAddress(given)?.text, wanted, given)
  t.same(['::ffff:1.2.3.4', '::1.2.3.4', '1.2.3.4'].map(isMappedAddress), [true, false, false])
})

t.test('families, and addresses beside ports', async (t) => {
  t.same(familiesOf(['fd00::/64', '10.0.0.0/8', '::1']), ['IPv4', 'IPv6'])
  t.same(
    ['10.0.0.1', '::1', 'web'].map((host) => joinHostPort(host, 80)),
    ['10.0.0.1:80', '[::1]:80', 'web:80'],
  )
})

t.test('takes what Node takes, but for zones and mapped addresses', async (t) => {
  const random = createSeededRandom(18)
  const letters = '0123456789abf:.:.'
  const text = (): string =>
    Array.from({ length: random.below(20) }, () => letters[random.below(letters.length)]).join('')
  const bytes = (): string => Array.from({ length: 4 }, () => random.below(300)).join('.')
  const groups = (): string =>
    Array.from({ length: random.below(9) }, () =>
      random.below(3) === 0 ? '' : random.below(0x1ffff).toString(16),
    ).join(':')
  let taken = 0
  for (let round = 0; round < 20_000; round++) {
    const given = [text, bytes, groups][round % 3]?.() ?? ''
    const wanted = (isIPv4(given) || isNodeIPv6(given)) && !isMappedAddress(given)
    if (isAddress(given) !== wanted) t.fail(`${JSON.stringify(given)} is read in another way than by Node`)
    if (wanted) taken++
  }
  t.ok(taken > 1_000, `${taken} were addresses`)
})
