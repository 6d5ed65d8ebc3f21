import t from 'tap'
import { createHotAnswers, type HotAnswers } from '../../../../src/dns/answer/hot.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { writeResponse } from '../../../../src/dns/wire/response.ts'
import { cnameRecord } from '../../../../src/dns/zone/records.ts'
import { makeQuery, readReply } from '../../../support/dns-client.ts'

import { answerTo, requestOf, type Said } from '../../../support/dns-upstream.ts'

const says =
  (addresses: readonly string[]) =>
  (message: Buffer): Buffer => {
    const answer = answerTo(message, { addresses })
    answer.writeUInt16BE(answer.readUInt16BE(2) | 0x0400, 2)
    return answer
  }

const open = (answer: (message: Buffer) => Buffer = says(['10.96.0.9'])) => {
  const counts = { made: 0 }
  const hot: HotAnswers = createHotAnswers((message) => {
    counts.made++
    return answer(message)
  })
  return { hot, counts }
}

t.test('what lasts is made once; what changes, or takes turns, is made each time', async (t) => {
  let made = 0
  let said: Said = { addresses: ['10.96.0.9'] }
  const authoritative = (message: Buffer): Buffer => {
    const answer = answerTo(message, said)
    answer.writeUInt16BE(answer.readUInt16BE(2) | 0x0400, 2)
    return answer
  }
  const hot = createHotAnswers((message) => {
    made++
    return authoritative(message)
  })
  const ask = async (name: string, options = {}, overTcp = false) => {
    const answer = await hot.respond(makeQuery(name, types.A, options), '10.244.1.2', overTcp)
    if (!answer) throw new Error('no answer')
    return readReply(answer)
  }
  t.match(await ask('a.example', { id: 1 }), { id: 1, answers: ['a.example A 100 10.96.0.9'] })
  t.match(await ask('a.example', { id: 2 }), { id: 2, answers: ['a.example A 100 10.96.0.9'] })
  t.equal(made, 1)
  await ask('A.example')
  await ask('a.example', { edns: 1232 })
  await ask('a.example', {}, true)
  t.equal(made, 4, 'other bytes, and TCP, are other questions')
  said = { addresses: ['10.96.0.8'] }
  hot.forget()
  t.match(await ask('a.example'), { answers: ['a.example A 100 10.96.0.8'] })
  said = { addresses: ['10.96.0.8', '10.96.0.7'] }
  const before = made
  await ask('b.example')
  await ask('b.example')
  t.equal(made, before + 2, 'addresses that take turns')
  const others = createHotAnswers((message) => {
    made++
    return answerTo(message, { addresses: ['192.0.2.1'] })
  })
  others.respond(makeQuery('c.example', types.A), '10.244.1.2', false)
  others.respond(makeQuery('c.example', types.A), '10.244.1.2', false)
  t.equal(made, before + 4, 'what others say is the cache’s matter')
})

t.test('the same bytes, with the id of who asks', async (t) => {
  const { hot } = open()
  const first = await hot.respond(makeQuery('a.example', types.A, { id: 0x1234 }), '10.244.1.2', false)
  const second = await hot.respond(makeQuery('a.example', types.A, { id: 0xabcd }), '10.244.1.2', false)
  t.same(second?.subarray(2), first?.subarray(2))
  t.equal(second?.readUInt16BE(0), 0xabcd)
  second?.fill(0)
  const third = await hot.respond(makeQuery('a.example', types.A, { id: 1 }), '10.244.1.2', false)
  t.same(third?.subarray(2), first?.subarray(2), 'who has it may change it')
})

t.test('what is kept, and what is not', async (t) => {
  const kept = async (answer: (message: Buffer) => Buffer, message = makeQuery('a.example', types.A)) => {
    const { hot, counts } = open(answer)
    await hot.respond(message, '10.244.1.2', false)
    await hot.respond(message, '10.244.1.2', false)
    return counts.made === 1
  }
  t.equal(await kept(says(['10.96.0.9'])), true)
  t.equal(await kept(says([])), true, 'that there is nothing')
  const [header] = [makeQuery('a.example', types.A).subarray(0, 12)]
  t.equal(await kept((message) => message.subarray(0, 11), header), false, 'what is no answer')
  t.equal(await kept(() => Buffer.from([0, 7, 0x84, 0, 0, 0, 0, 0, 0, 0, 0, 0]), header), true, 'a header alone')
  const alias = (message: Buffer): Buffer => {
    const { query } = requestOf(message)
    const answers = [{ ...cnameRecord('', 'b.example'), ttl: 30 }].map(({ type, data, ttl }) => ({ type, data, ttl }))
    return writeResponse(query, { rcode: 0, isAuthoritative: true, answers }, 512)
  }
  t.equal(await kept(alias), false, 'an alias, of which others know where it leads')
  t.equal(await kept(alias, makeQuery('a.example', types.CNAME)), true, 'unless it is what was asked for')
  const long = (bytes: number) => {
    const message = makeQuery('a.example', types.A, { edns: 1232, ednsOptions: Buffer.alloc(bytes) })
    return message
  }
  const plain = long(0).length
  const answer = (): Buffer => says(['10.96.0.9'])(makeQuery('a.example', types.A))
  t.equal(await kept(answer, long(300 - plain)), true, 'a long query')
  t.equal(await kept(answer, long(301 - plain)), false, 'a longer one')
})

t.test('a zone that changes meanwhile', async (t) => {
  const { hot, counts } = open((message) => {
    hot.forget()
    return says(['10.96.0.9'])(message)
  })
  hot.respond(makeQuery('a.example', types.A), '10.244.1.2', false)
  hot.respond(makeQuery('a.example', types.A), '10.244.1.2', false)
  t.equal(counts.made, 2)
})

t.test('names that nobody has do not fill the memory', async (t) => {
  const { hot, counts } = open()
  const ask = (name: string) => void hot.respond(makeQuery(name, types.A), '10.244.1.2', false)
  for (let n = 0; n < 20_000; n++) ask(`n${n}`)
  ask('n0')
  t.equal(counts.made, 20_000, 'so many are known')
  ask('more')
  ask('more')
  t.equal(counts.made, 20_001)
  ask('n1')
  t.equal(counts.made, 20_002, 'and then all are forgotten')
})
