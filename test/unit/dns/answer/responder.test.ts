/** From a packet to its answer. */
import t from 'tap'
import { createResponder } from '../../../../src/dns/answer/responder.ts'
import type { Handler, Request, Resolved } from '../../../../src/dns/chain/request.ts'
import { ednsLimit, rcodes, tcpLimit, types } from '../../../../src/dns/wire/constants.ts'
import { writeResponse } from '../../../../src/dns/wire/response.ts'
import { addressRecord } from '../../../../src/dns/zone/records.ts'
import { makeQuery, readReply } from '../../../support/dns-client.ts'
import { unexpected } from '../../../support/dns-upstream.ts'

const says = ({ query, limit }: Request, rcode: number, count = 0): Buffer => {
  const answers = Array.from({ length: count }, (_, at) => ({ ...addressRecord(query.name, `192.0.2.${at}`), ttl: 60 }))
  return writeResponse(query, { rcode, isAuthoritative: true, answers }, limit)
}
const question = makeQuery('a.example', types.A)

t.test('one handler after the other; what all leave is refused', async (t) => {
  const order: string[] = []
  const passing =
    (name: string): Handler =>
    (_, next) => {
      order.push(name)
      return next()
    }
  const respond = createResponder([passing('first'), passing('second')], unexpected)
  const answer = await respond(question, '10.244.1.2', false)
  t.match(answer && readReply(answer), { rcode: rcodes.refused, isAuthoritative: false, answers: { length: 0 } })
  t.same(order, ['first', 'second'])
})

t.test('what cannot be read', async (t) => {
  const respond = createResponder([unexpected], unexpected)
  t.equal(respond(Buffer.alloc(5), '10.244.1.2', false), undefined)
  const two = Buffer.from(question)
  two.writeUInt16BE(2, 4)
  const answer = await respond(two, '10.244.1.2', false)
  t.same(answer, Buffer.from([0, 7, 0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0]))
})

t.test('how long an answer may be', async (t) => {
  const limits: number[] = []
  const respond = createResponder(
    [
      (request) => {
        limits.push(request.limit)
        return says(request, 0)
      },
    ],
    unexpected,
  )
  respond(question, '10.244.1.2', false)
  respond(makeQuery('a.example', types.A, { edns: 4096 }), '10.244.1.2', false)
  respond(question, '10.244.1.2', true)
  t.same(limits, [512, ednsLimit, tcpLimit])
})

t.test('mistakes of ours are told, and are failures', async (t) => {
  const told: unknown[] = []
  for (const handler of [
    () => {
      throw new Error('at once')
    },
    () => Promise.reject(new Error('later')),
  ] as readonly Handler[]) {
    const answer = await createResponder([handler], (error) => told.push(error))(question, '10.244.1.2', false)
    t.match(answer && readReply(answer), { rcode: rcodes.failed, isAuthoritative: false })
  }
  t.match(told, [/at once/, /later/])
})

t.test('where an alias leads: the same client, whole answers, no circles', async (t) => {
  const seen: (readonly [string, string, boolean, number])[] = []
  let found: Resolved | undefined
  const lead: Handler = async (request, next) => {
    const { query, client, overTcp, limit } = request
    seen.push([query.name, client, overTcp, limit])
    if (query.name === 'a.example') found = await request.resolve('B.example', types.A)
    else if (query.name === 'to-itself.example') found = await request.resolve('to-itself.example', types.A)
    else if (query.name === 'other-type.example' && query.type === types.A)
      found = await request.resolve('other-type.example', types.AAAA)
    else return next()
    return says(request, 0)
  }
  const respond = createResponder([lead, (request) => says(request, 0, 40)], unexpected)
  await respond(question, '10.244.1.2', false)
  t.match(found, { rcode: 0, answers: { length: 40 }, authority: { length: 0 } }, 'however short this answer has to be')
  t.same(seen, [
    ['a.example', '10.244.1.2', false, 512],
    ['b.example', '10.244.1.2', true, tcpLimit],
  ])
  await respond(makeQuery('to-itself.example', types.A), '10.244.1.2', false)
  t.same(found, { rcode: rcodes.failed, answers: [], authority: [] })
  await respond(makeQuery('other-type.example', types.A), '10.244.1.2', false)
  t.equal(found?.answers.length, 40, 'another type is another question')
})

t.test('eight aliases, and no more', async (t) => {
  const depthOf = async (wanted: number): Promise<number | undefined> => {
    let rcode: number | undefined
    const lead: Handler = async (request) => {
      const at = Number(request.query.name)
      if (at === wanted) return says(request, 0)
      const further = await request.resolve(String(at + 1), types.A)
      rcode = further.rcode
      return says(request, further.rcode)
    }
    await createResponder([lead], unexpected)(makeQuery('0', types.A), '10.244.1.2', false)
    return rcode
  }
  t.equal(await depthOf(8), rcodes.ok)
  t.equal(await depthOf(9), rcodes.failed)
})

t.test('what comes of a target and is no whole answer is a failure', async (t) => {
  const replies: readonly (Buffer | undefined)[] = [undefined, Buffer.alloc(4)]
  for (const reply of replies)
    for (const isLate of [false, true]) {
      let found: Resolved | Promise<Resolved> | undefined
      const lead: Handler = (request) => {
        if (request.query.name !== 'a.example') return isLate ? Promise.resolve(reply) : reply
        found = request.resolve('b.example', types.A)
        return says(request, 0)
      }
      await createResponder([lead], unexpected)(question, '10.244.1.2', false)
      t.same(await found, { rcode: rcodes.failed, answers: [], authority: [] })
    }
  let cut: Resolved | undefined
  const lead: Handler = async (request) => {
    if (request.query.name === 'a.example') {
      cut = await request.resolve('b.example', types.A)
      return says(request, 0)
    }
    const answer = says(request, 0, 1)
    answer.writeUInt16BE(answer.readUInt16BE(2) | 0x0200, 2)
    return answer
  }
  await createResponder([lead], unexpected)(question, '10.244.1.2', false)
  t.same(cut, { rcode: rcodes.failed, answers: [], authority: [] })
})
