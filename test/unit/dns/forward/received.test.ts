/** What upstream servers send, made ready to be kept for everybody. */
import t from 'tap'
import { onlyQuestion, received } from '../../../../src/dns/forward/received.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { makeQuery } from '../../../support/dns-client.ts'
import { answerTo } from '../../../support/dns-upstream.ts'

const plain = answerTo(makeQuery('www.example.com', types.A), { addresses: ['192.0.2.1'] })
const optional = answerTo(makeQuery('www.example.com', types.A, { edns: 1232 }), { addresses: ['192.0.2.1'] })
/** Header and question. */
const questionEnd = 33
const changed = (message: Buffer, change: (copy: Buffer) => void): Buffer => {
  const copy = Buffer.from(message)
  change(copy)
  return copy
}

t.test('a whole answer', async (t) => {
  t.same(received(plain), { message: plain, rcode: 0, hasOption: false, isTruncated: false })
  const behind = Buffer.concat([plain, Buffer.from('more')])
  t.same(received(behind)?.message, plain, 'and nothing behind it')
  t.equal(received(plain.subarray(0, -1)), undefined)
})

t.test('without the OPT record, and what stands behind that', async (t) => {
  t.same(received(optional), { message: plain, rcode: 0, hasOption: true, isTruncated: false })
  const signature = Buffer.from([0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 2, 1, 2])
  const signed = changed(Buffer.concat([optional, signature]), (copy) => copy.writeUInt16BE(2, 10))
  t.same(received(signed)?.message, plain)
  const upper = changed(optional, (copy) => {
    copy[copy.length - 6] = 1
  })
  t.match(received(upper), { rcode: 16, hasOption: true })
  t.equal(optional.readUInt16BE(10), 1, 'what came is left as it was')
})

t.test('of one that was cut, the question', async (t) => {
  const cut = (message: Buffer, rcode = 0): Buffer =>
    changed(message, (copy) => copy.writeUInt16BE(copy.readUInt16BE(2) | 0x0200 | rcode, 2))
  const short = received(cut(optional))
  t.match(short, { rcode: 0, hasOption: true, isTruncated: true })
  t.equal(short?.message.length, questionEnd)
  t.same(short?.message.subarray(4, 12), Buffer.from([0, 1, 0, 0, 0, 0, 0, 0]))
  t.match(received(cut(plain.subarray(0, -3), 3)), { rcode: 3, hasOption: false, isTruncated: true }, 'amid a record')
  t.equal(received(cut(plain.subarray(0, 20))), undefined, 'amid the question')
})

t.test('the question alone', async (t) => {
  const short = onlyQuestion(plain)
  t.same(
    short,
    changed(plain.subarray(0, questionEnd), (copy) => copy.fill(0, 6, 12)),
  )
  t.same(onlyQuestion(plain.subarray(0, questionEnd))?.length, questionEnd)
  t.equal(onlyQuestion(plain.subarray(0, questionEnd - 1)), undefined)
  t.equal(onlyQuestion(plain.subarray(0, 15)), undefined)
})
