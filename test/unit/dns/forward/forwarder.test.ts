import t from 'tap'
import { defaultDnsConfig, type ForwardPolicy } from '../../../../src/dns/config/config.ts'
import { createForwarder } from '../../../../src/dns/forward/forwarder.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { createQuery } from '../../../../src/dns/wire/query.ts'
import { readReply } from '../../../support/dns-client.ts'
import { startServer } from '../../../support/dns-upstream.ts'
import { until } from '../../../support/until.ts'

const { forward } = defaultDnsConfig

t.test('which server is asked', async (t) => {
  const [a, b] = [await startServer(t, '192.0.2.1'), await startServer(t, '192.0.2.2')]
  const asked = async (policy: ForwardPolicy, count: number): Promise<readonly number[]> => {
    const before = [a.asked, b.asked]
    const forwarder = createForwarder({ ...forward, upstreams: [a.upstream, b.upstream], policy })
    for (let n = 0; n < count; n++) await forwarder.forward(createQuery('example.com', types.A), false)
    return [a.asked - (before[0] ?? 0), b.asked - (before[1] ?? 0)]
  }
  t.same(await asked('sequential', 4), [4, 0])
  t.same(await asked('round-robin', 4), [2, 2])
  const [one = 0, other = 0] = await asked('random', 40)
  t.ok(one > 0 && other > 0, `${one} and ${other} by chance`)
})

t.test('a server that is down is passed over, and comes back', async (t) => {
  const [a, b] = [await startServer(t, '192.0.2.1'), await startServer(t, '192.0.2.2')]
  const forwarder = createForwarder({ ...forward, upstreams: [a.upstream, b.upstream], timeoutMs: 500 })
  t.teardown(() => forwarder.close())
  const ask = async () => readReply(await forwarder.forward(createQuery('example.com', types.A), false)).answers[0]
  a.isSilent = true
  for (let n = 0; n < 3; n++) t.match(await ask(), /192\.0\.2\.2/)
  t.equal(a.heard, 2, 'after two failures')
  for (let n = 0; n < 10; n++) t.match(await ask(), /192\.0\.2\.2/)
  t.equal(a.heard, 2, 'nobody asks it any more, and so nobody waits for it')
  a.isSilent = false
  await until(async () => /192\.0\.2\.1/.test((await ask()) ?? ''), 'its return')
})
