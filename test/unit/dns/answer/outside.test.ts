/** Names that are not the cluster's: for whom they are asked, and what becomes of failures. */
import t from 'tap'
import { outsideNames } from '../../../../src/dns/answer/outside.ts'
import { createResponder } from '../../../../src/dns/answer/responder.ts'
import type { Cache } from '../../../../src/dns/forward/cache.ts'
import { Busy } from '../../../../src/dns/forward/forwarder.ts'
import type { Router } from '../../../../src/dns/forward/router.ts'
import { rcodes, types } from '../../../../src/dns/wire/constants.ts'
import { writeOnward } from '../../../../src/dns/wire/query.ts'
import { cidrOf } from '../../../../src/ip/cidr.ts'
import { makeQuery, readReply } from '../../../support/dns-client.ts'
import { answerTo, unexpected } from '../../../support/dns-upstream.ts'

const clients = [cidrOf('10.244.0.0/16'), cidrOf('fd00::/16')]

const open = (failure?: Error, cache?: Cache) => {
  const asked: (readonly [string, boolean])[] = []
  const router: Router = {
    groups: [],
    close: () => undefined,
    of: (domain) => ({
      forward: async (query, overTcp) => {
        asked.push([domain, overTcp])
        if (failure) throw failure
        return answerTo(writeOnward(query, false), { addresses: ['192.0.2.1'] })
      },
      exclude: () => undefined,
      close: () => undefined,
    }),
  }
  const respond = createResponder([outsideNames(router, cache, clients)], unexpected)
  const ask = async (client: string, overTcp = false) => {
    const answer = await respond(makeQuery('www.example.com', types.A, { id: 0x4711 }), client, overTcp)
    if (!answer) throw new Error('no answer')
    return readReply(answer)
  }
  return { asked, ask }
}

t.test('for pods and nodes, and nobody else', async (t) => {
  const { asked, ask } = open()
  const found = { id: 0x4711, rcode: 0, isAuthoritative: false, answers: ['www.example.com A 100 192.0.2.1'] }
  t.match(await ask('10.244.1.2'), found)
  t.match(await ask('fd00::2', true), found)
  t.same(asked, [
    ['www.example.com', false],
    ['www.example.com', true],
  ])
  for (const client of ['10.245.0.1', 'fe80::1', '192.0.2.1', 'nobody', ''])
    t.match(await ask(client), { rcode: rcodes.refused, answers: { length: 0 } }, client)
  t.equal(asked.length, 2)
})

t.test('failures: too many at a time is none of the name', async (t) => {
  t.match(await open(new Busy()).ask('10.244.1.2'), { rcode: rcodes.refused, isAuthoritative: false })
  t.match(await open(new Error('away')).ask('10.244.1.2'), { rcode: rcodes.failed, isAuthoritative: false })
})

t.test('what is remembered is not asked for', async (t) => {
  let isAway = false
  const cache: Cache = {
    size: 1,
    answer: ({ query }) =>
      isAway ? Promise.reject(new Busy()) : answerTo(writeOnward(query, false), { addresses: ['192.0.2.9'] }),
  }
  const { asked, ask } = open(undefined, cache)
  t.match(await ask('10.244.1.2'), { answers: ['www.example.com A 100 192.0.2.9'] })
  isAway = true
  t.match(await ask('10.244.1.2'), { rcode: rcodes.refused })
  t.match(await ask('10.245.1.2'), { rcode: rcodes.refused }, 'nor told to strangers')
  t.same(asked, [])
})
