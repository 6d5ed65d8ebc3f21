import t from 'tap'
import { types } from '../../../../src/dns/wire/constants.ts'
import { scanAnswer } from '../../../../src/dns/wire/scan.ts'
import { soaRecord } from '../../../../src/dns/zone/records.ts'
import { makeQuery } from '../../../support/dns-client.ts'
import { answerTo } from '../../../support/dns-upstream.ts'
import { rounds, seedOr } from '../../../support/rounds.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'

t.test('answers are scanned strictly: no broken one is ever taken for whole', async (t) => {
  const good = answerTo(makeQuery('example.com', types.A), { addresses: ['192.0.2.1', '192.0.2.2'] })
  t.match(scanAnswer(good), { ttl: 100, rcode: 0, isNegative: false, isTruncated: false })
  t.equal(scanAnswer(good)?.ttlOffsets.length, 2)
  for (let length = 0; length < good.length; length++)
    if (scanAnswer(good.subarray(0, length)) !== undefined) t.fail(`cut at ${length}`)
  const random = createSeededRandom(seedOr(3))
  const tries = rounds(20_000, 1_000_000)
  let read = 0
  for (let n = 0; n < tries; n++) {
    const packet = Buffer.from(good)
    for (let change = 0; change < 3; change++) packet[random.below(packet.length)] = random.below(256)
    const scan = scanAnswer(packet)
    if (scan) read++
    if (scan?.ttlOffsets.some((offset) => offset + 4 > packet.length)) t.fail(packet.toString('hex'))
  }
  t.ok(read > tries / 10 && read < tries, `${read} of ${tries} could be read`)
})

const soa = (ttl: number, negativeTtl: number, isWhole = true): Written => {
  const { type, data } = soaRecord('example.com', { primary: 'a', contact: 'b', serial: 1, negativeTtl })
  return { type, ttl, data: isWhole ? data : data.subarray(0, 21) }
}
const address = (ttl: number): Written => ({ type: types.A, ttl, data: Uint8Array.of(192, 0, 2, 1) })
const option = (high = 0, owner: readonly number[] = [0]): Written => ({
  ...{ owner, type: types.OPT, ttl: high * 2 ** 24 + 0x8000, data: Uint8Array.of() },
})

interface Written {
  readonly owner?: readonly number[]
  readonly type: number
  readonly ttl: number
  readonly data: Uint8Array
}

/** Header and question have 29 bytes. */
const start = 29
const write = (sections: readonly (readonly Written[])[], word = 0x8000): Buffer => {
  const head = makeQuery('example.com', types.A)
  head.writeUInt16BE(word, 2)
  for (const at of [0, 1, 2]) head.writeUInt16BE(sections[at]?.length ?? 0, 6 + at * 2)
  const records = sections.flat().map(({ owner = [0xc0, 12], type, ttl, data }) => {
    const fixed = Buffer.alloc(10)
    fixed.writeUInt16BE(type, 0)
    fixed.writeUInt16BE(1, 2)
    fixed.writeUInt32BE(ttl, 4)
    fixed.writeUInt16BE(data.length, 8)
    return Buffer.concat([Buffer.from(owner), fixed, data])
  })
  return Buffer.concat([head, ...records])
}

t.test('how long an answer is good', async (t) => {
  const message = write([[address(60), address(30)], [{ ...soa(5, 5), type: types.NS }], [address(90)]])
  t.same(scanAnswer(message), {
    ttlOffsets: [start + 6, start + 22, start + 38, start + 38 + 10 + soa(5, 5).data.length + 2],
    ...{ ttl: 5, option: undefined, end: message.length, rcode: 0, isNegative: false, isTruncated: false },
  })
  t.equal(scanAnswer(write([[address(60)], [soa(5, 3)]]))?.ttl, 5, 'what is there has its own times')
  t.equal(scanAnswer(write([[address(0x7fff_ffff)]]))?.ttl, 0x7fff_ffff)
  t.equal(scanAnswer(write([[address(60), address(0x8000_0000)]]))?.ttl, 0, 'a time that is none')
  t.equal(scanAnswer(write([[], [], []]))?.ttl, undefined)
  t.equal(scanAnswer(write([[]], 0x8002))?.ttl, undefined, 'a failure says nothing')
  t.match(scanAnswer(write([[]], 0x8200)), { isTruncated: true })
})

t.test('how long a denial is good', async (t) => {
  t.match(scanAnswer(write([[], [soa(60, 30)]], 0x8003)), { isNegative: true, rcode: 3, ttl: 30 })
  t.match(scanAnswer(write([[], [soa(20, 30)]])), { isNegative: true, rcode: 0, ttl: 20 }, 'nothing of that type')
  t.match(
    scanAnswer(write([[address(9)], [soa(60, 30)]], 0x8003)),
    { isNegative: true, ttl: 30 },
    'an alias to nowhere',
  )
  t.match(scanAnswer(write([[], [address(60)]], 0x8003)), { isNegative: true, ttl: undefined })
  t.match(scanAnswer(write([[], [soa(60, 30)]], 0x8002)), { isNegative: false, ttl: 60 }, 'a failure denies nothing')
  t.equal(scanAnswer(write([[], [soa(60, 30, false)]], 0x8003))?.ttl, undefined, 'an SOA that is none')
  const shortest = { type: types.SOA, ttl: 60, data: Buffer.from([...Buffer.alloc(18), 0, 0, 0, 7]) }
  t.equal(scanAnswer(write([[], [shortest]], 0x8003))?.ttl, 7, 'the shortest')
})

t.test('OPT records', async (t) => {
  const found = (sections: readonly (readonly Written[])[], word?: number) => scanAnswer(write(sections, word))
  t.match(found([[address(60)], [], [option()]]), {
    ...{ option: { start: start + 16, before: 0 }, ttl: 60, rcode: 0, ttlOffsets: [start + 6] },
  })
  t.match(found([[address(60)], [soa(9, 9)], [address(1), address(1), option(), address(1)]]), {
    option: { before: 2 },
  })
  t.match(found([[], [], [option(1)]]), { rcode: 16, ttl: undefined, isNegative: false })
  t.match(found([[], [], [option(0xff)]], 0x8003), { rcode: 0xff3 })
  t.match(found([[], [soa(60, 30)], [option()]], 0x8003), { isNegative: true, ttl: 30 })
  t.equal(found([[], [], [option(), option()]]), undefined, 'two')
  t.equal(found([[], [], [option(0, [1, 97, 0])]]), undefined, 'one with a name')
  t.equal(found([[option()]]), undefined, 'among answers')
  t.equal(found([[address(60)], [option()]]), undefined, 'among authority')
})

t.test('what is no answer to one question', async (t) => {
  const good = write([[address(60)], [], [option()]])
  for (let length = 0; length < good.length; length++)
    t.equal(scanAnswer(good.subarray(0, length)), undefined, `cut at ${length}`)
  for (const count of [0, 2]) {
    const message = write([[address(60)]])
    message.writeUInt16BE(count, 4)
    t.equal(scanAnswer(message), undefined, `${count} questions`)
  }
  const broken = write([[address(60)]])
  broken[12] = 64
  t.equal(scanAnswer(broken), undefined)
  const [header] = [write([]).subarray(0, 12)]
  t.equal(scanAnswer(header), undefined, 'a header alone')
})
