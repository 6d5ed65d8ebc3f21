import t from 'tap'
import { defaultDnsConfig } from '../../../../src/dns/config/config.ts'
import { createRouter } from '../../../../src/dns/forward/router.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { createQuery } from '../../../../src/dns/wire/query.ts'
import { readReply } from '../../../support/dns-client.ts'

import { startServer } from '../../../support/dns-upstream.ts'

const { forward } = defaultDnsConfig

t.test('stub domains: the longest that fits', async (t) => {
  const servers = [
    await startServer(t, '192.0.2.1'),
    await startServer(t, '192.0.2.2'),
    await startServer(t, '192.0.2.3'),
  ]
  const [main, corp, lab] = servers.map(({ upstream }) => ({ ...forward, upstreams: [upstream] }))
  if (!main || !corp || !lab) throw new Error('three servers')
  const router = createRouter({
    config: { forward: main, stubDomains: { 'corp.example': corp, 'lab.corp.example': lab } },
  })
  t.teardown(() => router.close())
  const ask = async (name: string) =>
    readReply(await router.of(name).forward(createQuery(name, types.A), false)).answers[0]?.at(-1)
  t.equal(await ask('example.com'), '1')
  t.equal(await ask('notcorp.example'), '1')
  t.equal(await ask('corp.example'), '2')
  t.equal(await ask('a.b.corp.example'), '2')
  t.equal(await ask('x.lab.corp.example'), '3')
})
