/** Answers, written. */
import t from 'tap'
import { ednsLimit, rcodes, types } from '../../../../src/dns/wire/constants.ts'
import { encodeName } from '../../../../src/dns/wire/name.ts'
import { type Query, readQuery } from '../../../../src/dns/wire/query.ts'
import { type NamedRecord, writeBareResponse, writeOption, writeResponse } from '../../../../src/dns/wire/response.ts'
import { makeQuery, type QueryOptions } from '../../../support/dns-client.ts'

const queryOf = (options: QueryOptions = {}): Query => {
  const query = readQuery(makeQuery('A.example', types.A, options))
  if (query === 'drop' || 'isMalformed' in query) throw new Error('not a query')
  return query
}

const address = (last: number): NamedRecord => ({
  type: types.A,
  ttl: 0x0102_0304,
  data: Uint8Array.of(10, 0, 0, last),
})
const plain = { rcode: rcodes.ok, isAuthoritative: false, answers: [] } as const
const hex = (...parts: readonly (Uint8Array | readonly number[])[]): string =>
  Buffer.concat(parts.map((part) => Buffer.from(part))).toString('hex')
/** Of the sections, and the header's second word. */
const headOf = (message: Buffer) => ({
  word: message.readUInt16BE(2).toString(16),
  counts: [4, 6, 8, 10].map((at) => message.readUInt16BE(at)),
})
/** Header and question of every answer here. */
const questionEnd = 12 + 11 + 4

t.test('each byte of an answer', async (t) => {
  const query = queryOf({ id: 0x1234, edns: 1400, ednsFlags: 0x8000 })
  const message = writeResponse(
    query,
    {
      ...{ rcode: rcodes.badVersion, isAuthoritative: true },
      answers: [address(1)],
      authority: [{ ...address(2), owner: 'b.example' }],
      additional: [{ ...address(3), owner: encodeName('c') }],
    },
    512,
  )
  const fields = [0, 1, 0, 1, 1, 2, 3, 4, 0, 4, 10, 0, 0]
  t.equal(
    hex(message),
    hex(
      [0x12, 0x34, 0x85, 0x80, 0, 1, 0, 1, 0, 1, 0, 2],
      [1, 0x41, 7, ...Buffer.from('example'), 0, 0, 1, 0, 1],
      [0xc0, 12, ...fields, 1],
      encodeName('b.example'),
      [...fields, 2],
      encodeName('c'),
      [...fields, 3],
      [0, 0, 41, ednsLimit >> 8, ednsLimit & 255, 1, 0, 0x80, 0, 0, 0],
    ),
  )
})

t.test('what of the question comes back, and what does not', async (t) => {
  const word = (flags: number, isRecursive = true) =>
    headOf(writeResponse(queryOf({ flags, isRecursive }), plain, 512)).word
  t.equal(word(0), '8180')
  t.equal(word(0, false), '8080', 'recursion was not wanted')
  t.equal(word(0x0030), '8190', 'checks are off; AD is for who knows')
  t.equal(word(0x2800), 'a980', 'the kind of query')
  t.equal(word(0x0640), '8180', 'AA, TC and Z are no wishes')
  t.equal(headOf(writeResponse(queryOf(), { ...plain, rcode: rcodes.noName }, 512)).word, '8183')
  t.equal(headOf(writeResponse(queryOf(), { ...plain, rcode: rcodes.badVersion }, 512)).word, '8180', 'four bits')
})

t.test('an OPT record where there was one', async (t) => {
  t.same(headOf(writeResponse(queryOf(), plain, 512)).counts, [1, 0, 0, 0])
  const message = writeResponse(queryOf({ edns: 512 }), plain, 512)
  t.same(headOf(message).counts, [1, 0, 0, 1])
  t.equal(hex(message.subarray(questionEnd)), hex([0, 0, 41, ednsLimit >> 8, ednsLimit & 255, 0, 0, 0, 0, 0, 0]))
  const target = Buffer.alloc(20, 0xff)
  t.equal(writeOption(target, 3, { isSecure: true }, 0x123), 14)
  t.equal(hex(target.subarray(0, 15)), `ffffff0000290${'4d0'}1200800000${'00'}ff`)
})

t.test('never longer than the limit', async (t) => {
  const answers = [address(1), address(2), address(3)]
  const size = (count: number, edns = 0): number => questionEnd + count * 16 + edns
  const at = (limit: number, more: object = {}, options: QueryOptions = {}) => {
    const message = writeResponse(queryOf(options), { ...plain, answers, ...more }, limit)
    t.ok(message.length <= limit, `${message.length} of ${limit}`)
    return { isCut: (message.readUInt16BE(2) & 0x0200) !== 0, counts: headOf(message).counts.slice(1) }
  }
  t.same(at(size(3)), { isCut: false, counts: [3, 0, 0] }, 'all of them, to the byte')
  t.same(at(size(3) - 1), { isCut: true, counts: [2, 0, 0] })
  t.same(at(size(3, 11), {}, { edns: 512 }), { isCut: false, counts: [3, 0, 1] })
  t.same(at(size(3, 11) - 1, {}, { edns: 512 }), { isCut: true, counts: [2, 0, 1] })
  const authority = [address(4)]
  const additional = [address(5), address(6)]
  t.same(at(size(5), { authority, additional }), { isCut: false, counts: [3, 1, 1] }, 'additional ones are a courtesy')
  t.same(at(size(4) - 1, { authority, additional }), { isCut: true, counts: [3, 0, 0] })
  t.same(at(size(3) - 1, { authority, additional }), { isCut: true, counts: [2, 0, 0] }, 'nothing stands behind a gap')
  const long = { ...address(7), data: new Uint8Array(40) }
  t.same(at(size(4), { additional: [long, address(8)] }), { isCut: false, counts: [3, 0, 0] })
})

t.test('to what could not be read', async (t) => {
  const malformed = { isMalformed: true, id: 0x4711, flags: 0x29f0 } as const
  t.equal(hex(writeBareResponse({ ...malformed, hasOption: false }, 1)), hex([0x47, 0x11, 0xa9, 1], Buffer.alloc(8)))
  t.equal(
    hex(writeBareResponse({ ...malformed, hasOption: true }, 1)),
    hex([0x47, 0x11, 0xa9, 1], Buffer.alloc(7), [1], [0, 0, 41, ednsLimit >> 8, ednsLimit & 255, 0, 0, 0, 0, 0, 0]),
  )
})
