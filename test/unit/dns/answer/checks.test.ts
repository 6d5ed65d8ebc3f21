/** What is refused before anybody looks for an answer. */
import t from 'tap'
import { checks } from '../../../../src/dns/answer/checks.ts'
import { createResponder } from '../../../../src/dns/answer/responder.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { writeResponse } from '../../../../src/dns/wire/response.ts'
import { makeQuery, type QueryOptions, readReply } from '../../../support/dns-client.ts'
import { unexpected } from '../../../support/dns-upstream.ts'

t.test('only plain queries, of the Internet, and no transfers of zones', async (t) => {
  let passed = 0
  const respond = createResponder(
    [
      checks,
      ({ query, limit }) => {
        passed++
        return writeResponse(query, { rcode: 0, isAuthoritative: true, answers: [] }, limit)
      },
    ],
    unexpected,
  )
  const ask = async (type: number, options: QueryOptions = {}) => {
    const before = passed
    const answer = await respond(makeQuery('a.example', type, options), '10.244.1.2', false)
    if (!answer) throw new Error('no answer')
    // The upper bits of the result are in the OPT record, whose last eleven bytes these are.
    const high = answer.readUInt16BE(10) > 0 ? (answer.at(-6) ?? 0) : 0
    const { rcode, isAuthoritative } = readReply(answer)
    return [(high << 4) | rcode, passed > before, isAuthoritative]
  }
  t.same(await ask(types.A), [0, true, true])
  t.same(await ask(types.A, { edns: 1232 }), [0, true, true])
  t.same(await ask(types.A, { opcode: 4 }), [4, false, false], 'a notice')
  t.same(await ask(types.A, { opcode: 5 }), [4, false, false], 'an update')
  t.same(await ask(types.A, { class: 3 }), [5, false, false])
  t.same(await ask(types.AXFR), [5, false, false])
  t.same(await ask(types.IXFR), [5, false, false])
  t.same(await ask(types.A, { edns: 1232, ednsVersion: 1 }), [16, false, false], 'an EDNS of later')
})
