import t from 'tap'
import { createHotAnswers } from '../../../../src/dns/answer/hot.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { makeQuery, readReply } from '../../../support/dns-client.ts'

import { answerTo, type Said } from '../../../support/dns-upstream.ts'

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
