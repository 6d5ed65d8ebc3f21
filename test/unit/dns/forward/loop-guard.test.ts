import t from 'tap'
import { createResponder } from '../../../../src/dns/answer/responder.ts'
import { defaultDnsConfig } from '../../../../src/dns/config/config.ts'
import { createLoopGuard } from '../../../../src/dns/forward/loop-guard.ts'
import { createRouter } from '../../../../src/dns/forward/router.ts'
import { listen } from '../../../../src/dns/server/listen.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { createQuery } from '../../../../src/dns/wire/query.ts'

import { startServer, unexpected } from '../../../support/dns-upstream.ts'

const { forward } = defaultDnsConfig

t.test('a server that leads back to us is left out, and only that', async (t) => {
  const good = await startServer(t, '192.0.2.1')
  const found: number[] = []
  const guard = createLoopGuard(({ port }) => found.push(port))
  const responder = createResponder([guard.handler], unexpected)
  const ourselves = await listen({ address: '127.0.0.1', port: 0, respond: responder })
  t.teardown(() => ourselves.close())
  const loop = { address: '127.0.0.1', port: ourselves.port }
  const router = createRouter({
    config: { forward: { ...forward, upstreams: [loop, good.upstream] }, stubDomains: {} },
  })
  t.teardown(() => router.close())
  await guard.check(router)
  t.same(found, [ourselves.port])
  const before = good.asked
  await router.of('example.com').forward(createQuery('example.com', types.A), false)
  t.equal(good.asked, before + 1)
})
