import t from 'tap'
import { createProxyMetrics } from '../../../src/proxy/metrics/proxy-metrics.ts'

t.test("the proxy in numbers, under kube-proxy's names", async (t) => {
  let now = Date.parse('2026-01-01T00:00:00Z')
  const metrics = createProxyMetrics('iptables', () => [], { now: () => now, after: () => () => undefined })
  const read = async () => {
    const { status, body } = await metrics.answer('/metrics')
    t.equal(status, 200)
    return new Map(
      body
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    )
  }
  metrics.add('IPv4', {
    rules: () => ({ nat: 12, filter: 5 }),
    withoutLocalEndpoints: () => ({ internal: 0, external: 2 }),
    invalidDropped: async () => 7,
  })
  metrics.changed('IPv4', 'service')
  metrics.changed('IPv4', 'endpoints', now - 5_000)
  metrics.changed('IPv4', 'endpoints', now)
  const name = (text: string, labels = '') => `kubeproxy_${text}{ip_family="IPv4"${labels}}`
  const waiting = await read()
  t.equal(waiting.get(name('sync_proxy_rules_endpoint_changes_pending')), 2)
  t.equal(waiting.get(name('sync_proxy_rules_service_changes_total')), 1)
  metrics.started('IPv4', 'full')
  metrics.changed('IPv4', 'service')
  now += 700
  metrics.synced('IPv4', { kind: 'full', seconds: 0.7, written: { nat: 12, filter: 5 } })
  metrics.failed('IPv4', 'partial')
  metrics.probed('/healthz', 200)
  metrics.cleaned('IPv4', 3, 0.1)
  const after = await read()
  const expected: readonly (readonly [string, number])[] = [
    [name('sync_proxy_rules_endpoint_changes_pending'), 0],
    [name('sync_proxy_rules_service_changes_pending'), 1],
    [name('sync_proxy_rules_duration_seconds_count'), 1],
    [name('sync_full_proxy_rules_duration_seconds_sum'), 0.7],
    [name('sync_proxy_rules_last_timestamp_seconds'), now / 1000],
    [name('sync_proxy_rules_last_queued_timestamp_seconds'), now / 1000 - 0.7],
    [name('sync_proxy_rules_iptables_total', ',table="nat"'), 12],
    [name('sync_proxy_rules_iptables_last', ',table="filter"'), 5],
    [name('sync_proxy_rules_no_local_endpoints_total', ',traffic_policy="external"'), 2],
    [name('sync_proxy_rules_iptables_restore_failures_total'), 1],
    [name('sync_proxy_rules_iptables_partial_restore_failures_total'), 1],
    [name('iptables_ct_state_invalid_dropped_packets_total'), 7],
    [name('conntrack_reconciler_deleted_entries_total'), 3],
    ['kubeproxy_proxy_healthz_total{code="200"}', 1],
    // Of the two changes with a time one happened before we began.
    [name('network_programming_duration_seconds_count'), 1],
    [name('network_programming_duration_seconds_sum'), 0.7],
  ]
  for (const [key, value] of expected) t.equal(after.get(key), value, key)
  t.match(await metrics.answer('/proxyMode'), { status: 200, body: 'iptables' })
  t.equal((await metrics.answer('/')).status, 404)
})
