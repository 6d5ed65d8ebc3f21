import t from 'tap'
import { renderDnsMetrics } from '../../../src/dns/metrics.ts'
import { createCounters } from '../../../src/dns/thread/stats.ts'

const noRestarts = { stuck: 0, crashed: 0 }

t.test('labels are escaped, wherever they come from', async (t) => {
  const counters = createCounters()
  const evil = 'a"} 1\nforged{x="\\'
  counters.upstream({ address: evil, port: 53 }, true, 0.001)
  counters.upstream({ address: evil, port: 53 }, false, 0.001)
  const text = await renderDnsMetrics(counters.read({ cacheEntries: 0, names: 0 }), noRestarts)
  t.notMatch(text, /^forged/m)
  t.match(text, 'coredns_forward_failures_total{to="a\\"} 1\\nforged{x=\\"\\\\:53"} 1\n')
  t.match(text, 'coredns_proxy_request_duration_seconds_count{to="a\\"} 1\\nforged{x=\\"\\\\:53"} 1\n')
})

t.test('buckets count everything up to their end', async (t) => {
  const counters = createCounters()
  for (const seconds of [0.0001, 0.003, 0.003, 100]) counters.response(0, seconds)
  const text = await renderDnsMetrics(counters.read({ cacheEntries: 0, names: 0 }), noRestarts)
  const labels = 'server="dns://:53",zone="."'
  const name = 'coredns_dns_request_duration_seconds'
  for (const line of [
    `# TYPE ${name} histogram`,
    `${name}_bucket{${labels},le="0.00025"} 1`,
    `${name}_bucket{${labels},le="0.004"} 3`,
    `${name}_bucket{${labels},le="8.192"} 3`,
    `${name}_bucket{${labels},le="+Inf"} 4`,
    `${name}_sum{${labels}} 100.0061`,
    `${name}_count{${labels}} 4`,
    'coredns_dns_responses_total{server="dns://:53",zone=".",rcode="NOERROR"} 4',
  ])
    t.ok(text.includes(`${line}\n`), line)
})
