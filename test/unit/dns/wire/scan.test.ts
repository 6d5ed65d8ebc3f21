import t from 'tap'
import { types } from '../../../../src/dns/wire/constants.ts'
import { scanAnswer } from '../../../../src/dns/wire/scan.ts'
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
