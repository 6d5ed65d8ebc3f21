/** A DNS thread that hangs or ends: another one answers in its place. */
import t from 'tap'
import type { EndpointSlice } from '../../../src/api/types/index.ts'
import { defaultDnsConfig } from '../../../src/dns/config/config.ts'
import { createClusterDns } from '../../../src/dns/dns.ts'
import { answerDnsProbe } from '../../../src/dns/metrics.ts'
import { types } from '../../../src/dns/wire/constants.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { service } from '../../support/cluster-objects.ts'
import { askUdp, makeQuery, readReply } from '../../support/dns-client.ts'
import { createFedInformer } from '../../support/fed-informer.ts'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/until.ts'
import { withHook } from '../../support/with-hook.ts'

const runTests = (): void => {
  t.test('it is replaced, and answers what it answered', { timeout: 60_000 }, async (t) => {
    const port = await freePort()
    const dns = createClusterDns({
      services: createFedInformer([service('web', { clusterIP: '10.96.0.10' })]),
      slices: createFedInformer<EndpointSlice>([], { service: () => [] }),
      ...{ clusterDomain: 'cluster.local', addresses: ['127.0.0.1'], port, upstreams: [] },
      ...{ config: defaultDnsConfig, recursionCIDRs: ['127.0.0.0/8'], log: silentLogger },
    })
    const stop = new AbortController()
    const done = dns.run(stop.signal)
    t.teardown(async () => {
      stop.abort()
      await done
    })
    await dns.ready
    const results = new Set<number>()
    const answers = async (name: string): Promise<boolean> => {
      const reply = await askUdp(port, makeQuery(name, types.A), '127.0.0.1', 500).catch(() => undefined)
      if (reply) results.add(readReply(reply).rcode)
      return reply !== undefined && readReply(reply).rcode === 0
    }
    const web = 'web.default.svc.cluster.local'
    await until(() => answers(web), 'the first answer')
    void answers('hang.lab')
    await until(() => dns.restarts.stuck === 1, 'the hanging thread to be noticed')
    await until(() => answers(web), 'an answer of its successor')
    for (const count of [1, 2]) {
      void answers('crash.lab')
      await until(() => dns.restarts.crashed === count, 'its end')
      await until(() => answers(web), 'an answer of its successor')
    }
    t.same([...results], [0], 'none says that it knows nothing')
    t.match(dns.looping(), /ended 3 times in a row: .*code 3/)
    const facts = { stats: dns.stats, isSynced: true, restarts: () => dns.restarts, looping: dns.looping }
    t.match(await answerDnsProbe(facts, '/health'), { status: 503, body: /a DNS thread ended 3 times/ })
    t.match((await answerDnsProbe(facts, '/metrics')).body, 'podway_dns_thread_restarts_total{reason="stuck"} 1\n')
  })
}

await withHook('hang-on-name.ts', import.meta.url, runTests)
