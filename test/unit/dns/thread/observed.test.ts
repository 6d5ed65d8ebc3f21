import t from 'tap'
import { renderDnsMetrics } from '../../../../src/dns/metrics.ts'
import { watchQueries } from '../../../../src/dns/thread/observed.ts'
import type { LoggedQuery } from '../../../../src/dns/thread/protocol.ts'
import { createCounters, mergeStats } from '../../../../src/dns/thread/stats.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { makeQuery } from '../../../support/dns-client.ts'

import { answerTo } from '../../../support/dns-upstream.ts'

t.test('queries in numbers, and one of many in the log', async (t) => {
  const counters = createCounters()
  const logged: LoggedQuery[] = []
  const respond = watchQueries(
    (message) => (message.length < 12 ? undefined : answerTo(message, { rcode: 3, soaTtl: 5 })),
    counters,
    2,
    (query) => logged.push(query),
  )
  for (let n = 0; n < 4; n++) respond(makeQuery('a.example', types.AAAA, { edns: 1232 }), '10.244.1.2', n === 3)
  respond(makeQuery('a.example', 4711), '10.244.1.2', false)
  respond(Buffer.alloc(3), '10.244.1.2', false)
  counters.cache('hit')
  counters.fault()
  counters.upstream({ address: '192.0.2.1', port: 53 }, true, 0.003)
  counters.upstream({ address: '192.0.2.1', port: 53 }, false, 2)
  const text = await renderDnsMetrics(counters.read({ cacheEntries: 5, names: 7 }), { stuck: 2, crashed: 1 })
  for (const line of [
    'coredns_dns_requests_total{server="dns://:53",zone=".",proto="udp",type="AAAA"} 3',
    'coredns_dns_requests_total{server="dns://:53",zone=".",proto="tcp",type="AAAA"} 1',
    'coredns_dns_requests_total{server="dns://:53",zone=".",proto="udp",type="other"} 2',
    'coredns_dns_responses_total{server="dns://:53",zone=".",rcode="NXDOMAIN"} 5',
    'coredns_cache_hits_total{server="dns://:53",zone="."} 1',
    'coredns_cache_entries{server="dns://:53",zone="."} 5',
    'coredns_proxy_request_duration_seconds_bucket{to="192.0.2.1:53",le="0.004"} 1',
    'coredns_forward_failures_total{to="192.0.2.1:53"} 1',
    'podway_dns_dropped_total 1',
    'coredns_panics_total 1',
    'podway_dns_thread_restarts_total{reason="stuck"} 2',
  ])
    t.ok(text.includes(`${line}\n`), line)
  const both = mergeStats([counters.read({ cacheEntries: 5, names: 7 }), counters.read({ cacheEntries: 5, names: 7 })])
  t.match(both, { requests: { 'udp 28': 6 }, responses: { 3: 10 }, dropped: 2, cacheEntries: 10, names: 7 })
  t.equal(both.upstreams['192.0.2.1:53']?.failures, 2)
  t.equal(
    both.duration.counts.reduce((sum, count) => sum + count, 0),
    10,
  )
  t.equal(logged.length, 3)
  t.match(logged[0], { client: '10.244.1.2', name: 'a.example', type: types.AAAA, rcode: 3, overTcp: false })
})
