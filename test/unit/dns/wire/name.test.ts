import t from 'tap'
import { encodeName, parseLabel, parseName, readName, reverseName, skipName } from '../../../../src/dns/wire/name.ts'
import { addressOf } from '../../../../src/ip/address.ts'

t.test('names on the wire', async (t) => {
  t.same(readName(encodeName('WwW.example.com.'), 0), { name: 'www.example.com', end: 17 })
  t.same(readName(encodeName(''), 0), { name: '', end: 1 }, 'the root')
  t.equal(readName(Uint8Array.of(3, 97, 98), 0), undefined, 'cut off')
  t.equal(readName(Uint8Array.of(0xc0, 12), 0), undefined, 'a pointer')
  t.equal(readName(Uint8Array.of(3, 97, 46, 98, 0), 0)?.name, 'a\\.b', 'a dot that is none')
  t.throws(() => encodeName('a'.repeat(64)), /too long/)
  t.throws(() => encodeName('abcd.'.repeat(60)), /too long/)
  const long = Buffer.concat([...Array.from({ length: 128 }, () => Buffer.from([1, 97])), Buffer.from([0])])
  t.equal(readName(long, 0), undefined, 'more than 255 bytes')
  t.equal(reverseName(addressOf('10.244.1.2')), '2.1.244.10.in-addr.arpa')
})

t.test('the longest that can be', async (t) => {
  const label = 'a'.repeat(63)
  t.equal(encodeName(label).length, 65)
  const longest = [label, label, label, 'b'.repeat(61)].join('.')
  t.equal(encodeName(longest).length, 255)
  t.same(readName(encodeName(longest), 0), { name: longest, end: 255 })
  t.throws(() => encodeName(`${longest}b`), /too long/)
  t.equal(readName(Uint8Array.of(64, ...Buffer.alloc(64, 97), 0), 0), undefined)
  t.same(encodeName('a..b'), encodeName('a.b'))
})

t.test('reading where a name stands', async (t) => {
  const message = Buffer.concat([Buffer.from([9, 9]), encodeName('AZ.az'), Buffer.from([7])])
  t.same(readName(message, 2), { name: 'az.az', end: 9 })
  t.same(readName(Uint8Array.of(3, 0x40, 0x5b, 0x60, 0), 0)?.name, '@[`', 'beside the letters')
  t.equal(readName(Uint8Array.of(), 0), undefined)
  t.equal(readName(Uint8Array.of(1, 97), 0), undefined, 'without an end')
})

t.test('names that end beyond the message, or beyond 255 bytes', async (t) => {
  t.equal(readName(Uint8Array.of(9, 9, 2, 97), 2), undefined, 'cut off within a label')
  t.equal(readName(Uint8Array.of(9, 9, 2, 97, 98), 2), undefined, 'cut off after it')
  const label = [63, ...Buffer.alloc(63, 97)]
  const longest = [...label, ...label, ...label, 61, ...Buffer.alloc(61, 98), 0]
  t.equal(readName(Uint8Array.from([...Buffer.alloc(300), ...longest]), 300)?.end, 555, 'wherever it begins')
  const longer = [...label, ...label, ...label, 62, ...Buffer.alloc(62, 98), 0]
  t.equal(readName(Uint8Array.from([...Buffer.alloc(300), ...longer]), 300), undefined)
  const noRoot = [...label, ...label, ...label, 60, ...Buffer.alloc(60, 98), 1, 97, 0]
  t.equal(readName(Uint8Array.from(noRoot), 0), undefined, 'without room for its end')
})

t.test('bytes beyond ASCII are kept', async (t) => {
  t.same([...encodeName('\u00e4.b')], [1, 0xe4, 1, 0x62, 0])
  t.same(readName(Uint8Array.of(1, 0xe4, 0), 0), { name: '\u00e4', end: 3 })
})

t.test('where a name ends', async (t) => {
  t.equal(skipName(encodeName('a.bc'), 0), 6)
  t.equal(skipName(Uint8Array.of(9, 1, 97, 0xc0, 1), 1), 5, 'at a pointer')
  t.equal(skipName(Uint8Array.of(0), 0), 1)
  for (const bytes of [[], [1], [1, 97], [64, 97], [0x80, 0], [0xbf, 0]])
    t.equal(skipName(Uint8Array.from(bytes), 0), undefined, bytes.join())
  t.equal(skipName(Uint8Array.of(63, ...Buffer.alloc(63), 0), 0), 65)
})

t.test('names of the API', async (t) => {
  const good: Readonly<Record<string, string>> = {
    'Web.Example.': 'web.example',
    a: 'a',
    _tcp: '_tcp',
    'a-b.c_d.9': 'a-b.c_d.9',
  }
  for (const [text, name] of Object.entries(good)) t.equal(parseName(text), name, text)
  for (const text of [
    '',
    '.',
    '-a',
    'a-',
    'a..b',
    '.a',
    'a b',
    'a.-b',
    '*',
    'ä',
    'a\n',
    `${'a'.repeat(64)}`,
    7,
    undefined,
  ])
    t.equal(parseName(text), undefined, String(text))
  t.equal(parseName('a'.repeat(63)), 'a'.repeat(63))
  const longest = [...Array.from({ length: 3 }, () => 'a'.repeat(63)), 'b'.repeat(61)].join('.')
  t.equal(parseName(longest), longest)
  t.equal(parseName(`${longest}b`), undefined)
  t.same([parseLabel('Web'), parseLabel('a.b'), parseLabel('')], ['web', undefined, undefined])
})

t.test('the way back of IPv6', async (t) => {
  t.equal(reverseName(addressOf('fd00::12')), `2.1${'.0'.repeat(28)}.d.f.ip6.arpa`)
})
