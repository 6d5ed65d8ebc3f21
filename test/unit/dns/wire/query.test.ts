import t from 'tap'
import { rcodeName, typeName, types } from '../../../../src/dns/wire/constants.ts'
import { encodeName } from '../../../../src/dns/wire/name.ts'
import {
  createQuery,
  type Query,
  queryInPlace,
  readQuery,
  udpLimit,
  writeOnward,
} from '../../../../src/dns/wire/query.ts'
import { makeQuery } from '../../../support/dns-client.ts'

const read = (message: Buffer): Query => {
  const query = readQuery(message)
  if (query === 'drop' || 'isMalformed' in query) throw new Error('not a query')
  return query
}

/** A record of the additional section. */
const record = (type: number, data: readonly number[] = [], owner = '', length = data.length): Buffer => {
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(type, 0)
  fixed.writeUInt16BE(1400, 2)
  fixed.writeUInt16BE(length, 8)
  return Buffer.concat([encodeName(owner), fixed, Buffer.from(data)])
}

/** A question for `a.b` with these records behind it; `count` is what the header says of them. */
const withRecords = (records: readonly Buffer[], count = records.length): Buffer => {
  const message = makeQuery('a.b', types.A)
  message.writeUInt16BE(count, 10)
  return Buffer.concat([message, ...records])
}

t.test('a question', async (t) => {
  const message = makeQuery('A.b', types.AAAA, { id: 0x1234, class: 3, flags: 0x0030 })
  t.match(read(message), { id: 0x1234, flags: 0x0130, name: 'a.b', type: types.AAAA, class: 3, edns: undefined })
  t.same(Buffer.from(read(message).question), message.subarray(12), 'as it was asked')
})

t.test('EDNS', async (t) => {
  t.same(read(makeQuery('a.b', 1, { edns: 1400, ednsVersion: 1, ednsFlags: 0x8000 })).edns, {
    ...{ size: 1400, version: 1, isSecure: true },
  })
  t.same(read(makeQuery('a.b', 1, { edns: 512, ednsFlags: 0x7fff })).edns, { size: 512, version: 0, isSecure: false })
  const options = Buffer.from([0, 10, 0, 2, 1, 2, 0, 3, 0, 0])
  t.equal(read(makeQuery('a.b', 1, { edns: 512, ednsOptions: options })).edns?.size, 512)
  t.equal(read(withRecords([record(99, [1, 2]), record(types.OPT), record(99)])).edns?.size, 1400, 'wherever it stands')
  t.equal(read(withRecords([record(99, [], 'x.y')])).edns, undefined, 'others are looked over')
})

t.test('what deserves no answer', async (t) => {
  t.equal(readQuery(Buffer.alloc(11)), 'drop')
  const answer = makeQuery('a.b', 1)
  answer.writeUInt16BE(0x8100, 2)
  t.equal(readQuery(answer), 'drop')
})

const changed = (at: number, value: number): Buffer => {
  const message = makeQuery('a.b', 1)
  message.writeUInt16BE(value, at)
  return message
}

t.test('what cannot be understood', async (t) => {
  const option = record(types.OPT)
  const cases: readonly (readonly [string, Buffer, boolean])[] = [
    ['a header alone', Buffer.alloc(12), false],
    ['no question', changed(4, 0), false],
    ['two questions', changed(4, 2), false],
    ['an answer', changed(6, 1), false],
    ['an authority', changed(8, 1), false],
    ['half a question', makeQuery('a.b', 1).subarray(0, -1), false],
    ['a name that is none', Buffer.concat([changed(4, 1).subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])]), false],
    ['a record too few', withRecords([], 1), false],
    ['half a record', withRecords([record(99).subarray(0, -1)]), false],
    ['half its data', withRecords([record(99, [1], '', 2)]), false],
    ['two OPT records', withRecords([option, option]), true],
    ['one that is not of the root', withRecords([record(types.OPT, [], 'x')]), true],
    ['an option that is cut off', withRecords([record(types.OPT, [0, 10, 0, 2, 1])]), true],
    ['options with a rest', withRecords([record(types.OPT, [0, 10, 0])]), true],
    ['an OPT record that is cut off', withRecords([record(types.OPT, [0], '', 4)]), true],
    ['a broken record behind an OPT', withRecords([option, record(99).subarray(0, 5)]), true],
    ['half a record behind an OPT', withRecords([option, record(99, [1], '', 2)]), true],
  ]
  for (const [name, message, hasOption] of cases) {
    message.writeUInt16BE(77, 0)
    t.match(readQuery(message), { isMalformed: true, id: 77, hasOption }, name)
  }
})

t.test('questions of our own', async (t) => {
  const own = createQuery('A.b.', types.SRV)
  t.match(own, { id: 0, flags: 0x0100, name: 'a.b.', type: types.SRV, class: 1, edns: { size: 1232, isSecure: false } })
  t.same(Buffer.from(own.question), Buffer.concat([encodeName('A.b'), Buffer.from([0, 33, 0, 1])]))
  const client = read(makeQuery('a.b', 1, { id: 9, edns: 700, ednsFlags: 0x8000, isRecursive: false }))
  t.match(queryInPlace(client, 'c.d', types.AAAA), {
    ...{ id: 9, flags: 0, name: 'c.d', type: types.AAAA, class: 1, edns: { size: 700, isSecure: true } },
  })
  t.throws(() => createQuery('a'.repeat(64), 1), /too long/)
})

t.test('what is asked of others', async (t) => {
  const client = read(
    makeQuery('A.b', 1, { flags: 0x0010, edns: 4096, ednsFlags: 0x8000, ednsOptions: Buffer.from([0, 10, 0, 0]) }),
  )
  const onward = read(writeOnward(client))
  t.match(onward, { flags: 0x0130, name: 'a.b', edns: { size: 1232, version: 0, isSecure: true } })
  t.same(Buffer.from(onward.question), Buffer.from(client.question), 'in the case of the client')
  t.match(read(writeOnward(read(makeQuery('a.b', 1, { isRecursive: false })))), {
    flags: 0x0020,
    edns: { isSecure: false },
  })
  const plain = writeOnward(client, false)
  t.equal(read(plain).edns, undefined)
  t.equal(plain.length, 12 + client.question.length)
  const ids = new Set(Array.from({ length: 50 }, () => writeOnward(client).readUInt16BE(0)))
  t.ok(ids.size > 40, 'ids that nobody can foretell')
})

t.test('how long an answer over UDP may be', async (t) => {
  const limit = (edns?: number) => udpLimit(read(makeQuery('a.b', 1, edns === undefined ? {} : { edns })))
  t.same([limit(), limit(100), limit(512), limit(1000), limit(1232), limit(4096)], [512, 512, 512, 1000, 1232, 1232])
})

t.test('numbers in words', async (t) => {
  t.same(
    [typeName(28), typeName(9999), rcodeName(3), rcodeName(5), rcodeName(6)],
    ['AAAA', undefined, 'NXDOMAIN', 'REFUSED', undefined],
  )
})
