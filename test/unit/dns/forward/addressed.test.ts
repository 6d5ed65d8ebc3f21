/** What an upstream server said, as a client asked for it. */
import t from 'tap'
import { addressed } from '../../../../src/dns/forward/addressed.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { makeQuery, type QueryOptions } from '../../../support/dns-client.ts'
import { answerTo, requestOf } from '../../../support/dns-upstream.ts'

const message = answerTo(makeQuery('www.example.com', types.A, { id: 1 }), { addresses: ['192.0.2.1', '192.0.2.2'] })
const withWord = (word: number): Buffer => {
  const copy = Buffer.from(message)
  copy.writeUInt16BE(word, 2)
  return copy
}
const ask = (options: QueryOptions = {}, limit = 512, said = message) =>
  addressed(said, requestOf(makeQuery('WWW.example.COM', types.A, { id: 0x4711, ...options }), limit))
const wordOf = (answer: Buffer): number => answer.readUInt16BE(2)

t.test('its own id, its own spelling, and the rest as it was', async (t) => {
  const answer = ask()
  const expected = Buffer.from(message)
  expected.writeUInt16BE(0x4711, 0)
  expected.write('WWW', 13, 'latin1')
  expected.write('COM', 25, 'latin1')
  expected.writeUInt16BE(0x8180, 2)
  t.same(answer, expected)
  t.equal(message.readUInt16BE(0) === 0x4711, false, 'what is remembered stays as it is')
})

t.test('the header says what we are, and what the client wanted', async (t) => {
  const all = withWord(0x87ff)
  t.equal(wordOf(ask({}, 512, all)), 0x83cf, 'neither AA nor AD, and CD and RD as it wanted')
  t.equal(wordOf(ask({ flags: 0x20 }, 512, all)), 0x83ef, 'AD for who asks for it')
  t.equal(wordOf(ask({ edns: 512, ednsFlags: 0x8000 }, 512, all)), 0x83ef, 'or for DNSSEC records')
  t.equal(wordOf(ask({ edns: 512 }, 512, all)), 0x83cf)
  t.equal(wordOf(ask({ flags: 0x10, isRecursive: false }, 512, all)), 0x82df)
  const none = withWord(0x8000)
  t.equal(wordOf(ask({ flags: 0x30 }, 512, none)), 0x8190, 'recursion is what we do')
})

t.test('an OPT record of ours for who has one', async (t) => {
  const answer = ask({ edns: 512, ednsFlags: 0x8000 })
  t.equal(answer.length, message.length + 11)
  t.equal(answer.readUInt16BE(10), message.readUInt16BE(10) + 1)
  t.same(answer.subarray(-11), Buffer.from([0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]))
})

t.test('what is too long is cut to the question', async (t) => {
  t.equal(ask({}, message.length).length, message.length, 'to the byte')
  const short = ask({}, message.length - 1)
  t.same(short.subarray(4, 12), Buffer.from([0, 1, 0, 0, 0, 0, 0, 0]))
  t.equal(short.length, 33)
  t.equal(wordOf(short), 0x8380)
  t.equal(ask({ edns: 512 }, message.length + 11).length, message.length + 11)
  const option = ask({ edns: 512 }, message.length + 10)
  t.same([option.length, option.readUInt16BE(10), wordOf(option)], [44, 1, 0x8380])
})
