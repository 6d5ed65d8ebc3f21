/** What people and their tools see of the proxy: numbers, the page, the access log. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { defaultLimits } from '../../../src/proxy/ingress/http/limits.ts'
import { parseRequestHead } from '../../../src/proxy/ingress/http/request-head.ts'
import type { Via } from '../../../src/proxy/ingress/http/request-text.ts'
import { createIngressMetrics } from '../../../src/proxy/ingress/operation/metrics.ts'
import { routeLines, statusPage } from '../../../src/proxy/ingress/operation/status-page.ts'
import type { Observed } from '../../../src/proxy/ingress/relay/observe.ts'
import type { Origin } from '../../../src/proxy/ingress/routes/rule.ts'
import { createAccessLog } from '../../../src/proxy/ingress/thread/access-log.ts'
import { createStatistics } from '../../../src/proxy/ingress/thread/statistics.ts'
import { ingress, path } from '../../support/ingress-objects.ts'
import { routingOf } from '../../support/route-table.ts'

const via: Via = {
  ...{ clientAddress: '10.9.8.7', forwardedFor: '10.9.8.7', scheme: 'https', port: 443 },
  localAuthority: '10.0.0.1',
}
const origin: Origin = { kind: 'Ingress', namespace: 'default', name: 'web', path: '/a', service: 'web', host: 'a.lab' }

const observed = (more: Partial<Observed> = {}, method = 'GET'): Observed => ({
  ...{ origin, via, logged: true, status: 200, sent: 100, duration: 7, endpoint: '10.1.0.2:80', tries: 1 },
  request: parseRequestHead(`${method} /a?q HTTP/1.1\r\nHost: a.lab\r\nUser-Agent: test\r\n\r\n`, defaultLimits),
  ...more,
})

t.test('series by route, method and status', async (t) => {
  const statistics = createStatistics()
  statistics.add(observed())
  statistics.add(observed({ duration: 20_000 }))
  statistics.add(observed({ origin: { ...origin } }))
  statistics.add(observed({ status: 502 }))
  statistics.add(observed({ origin: undefined, status: 404 }, 'BREW'))
  const series = statistics.series()
  t.same(
    series.map(({ labels, count }) => [labels['host'], labels['method'], labels['status'], count]),
    [
      ['a.lab', 'GET', '200', 3],
      ['a.lab', 'GET', '502', 1],
      ['_', 'OTHER', '404', 1],
    ],
    'a route that is compiled anew goes on counting; methods that clients make up are one',
  )
  t.same(series[0]?.perBucket, [0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
  t.equal(series[0]?.bytes, 300)
})

t.test('labels are bounded', async (t) => {
  const statistics = createStatistics()
  for (let at = 0; at < 12_000; at++) statistics.add(observed({ origin: { ...origin, name: `i${at}` } }))
  const series = statistics.series()
  t.equal(series.length, 10_001)
  t.match(series.at(-1), { labels: { host: '_other' }, count: 2_000 })
})

t.test('metrics under the names that dashboards know, of all threads together', async (t) => {
  const threads = [createStatistics(), createStatistics()]
  for (const statistics of threads) statistics.add(observed())
  const registry = createIngressMetrics(
    async () => threads.map((statistics) => ({ series: statistics.series(), connections: 3, retries: 1, faults: 2 })),
    { stuck: 1, crashed: 0 },
  )
  const text = await registry.metrics()
  const labels = 'namespace="default",ingress="web",service="web",host="a.lab",path="/a",method="GET",status="200"'
  const common = `${labels},controller_class="podway.dev/ingress"`
  t.match(text, `nginx_ingress_controller_requests{${common}} 2\n`)
  t.match(text, '# TYPE nginx_ingress_controller_request_duration_seconds histogram')
  t.match(text, /request_duration_seconds_bucket\{[^}]*le="0.01"[^}]*\} 2\n/)
  t.match(text, /request_duration_seconds_bucket\{[^}]*le="0.005"[^}]*\} 0\n/)
  t.match(text, /request_duration_seconds_bucket\{[^}]*le="\+Inf"[^}]*\} 2\n/)
  t.match(text, `nginx_ingress_controller_request_duration_seconds_count{${common}} 2\n`)
  t.match(text, 'nginx_ingress_controller_nginx_process_connections{state="active",')
  t.match(text, 'podway_ingress_upstream_retries_total 2\n')
  t.match(text, 'podway_ingress_internal_errors_total 4\n')
  t.match(text, 'podway_ingress_thread_restarts_total{reason="stuck"} 1\n')
})

t.test('the page shows every route, and takes nothing for markup', async (t) => {
  const routing = routingOf([
    ingress({ rules: { 'a.lab': [path('prefix:/<b>', 'web')], '': [path('exact:/x', 'web')] } }),
  ])
  const state = routing.state()
  t.same(
    routeLines(state).map(({ entry, host, path, kind, source }) => [entry, host, path, kind, source]),
    [
      ['http', '*', '/x', 'exact', 'Ingress default/web'],
      ['https', '*', '/x', 'exact', 'Ingress default/web'],
      ['http', 'a.lab', '/<b>', 'prefix', 'Ingress default/web'],
      ['https', 'a.lab', '/<b>', 'prefix', 'Ingress default/web'],
    ],
  )
  const problems = [{ ingress: 'default/web', message: '<script>' }]
  const page = statusPage({ node: 'n1', state, series: [], connections: 2, problems })
  t.match(page, '&lt;b&gt;')
  t.match(page, '&lt;script&gt;')
  t.notMatch(page, '<script>')
})

t.test('the access log', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-access-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'log', 'access.log')
  const log = createAccessLog({ file, sample: 1 }, (error) => t.fail(String(error)))
  log.write(observed())
  log.write(observed({ logged: false }))
  log.close()
  const [line = '', ...more] = readFileSync(file, 'utf8').trim().split('\n')
  t.same(more, [], 'a route can be left out')
  t.match(JSON.parse(line), {
    ...{ remote_addr: '10.9.8.7', method: 'GET', host: 'a.lab', uri: '/a?q', protocol: 'HTTP/1.1', status: 200 },
    ...{ upstream_addr: '10.1.0.2:80', ingress: 'web', http_user_agent: 'test', request_time: 0.007 },
  })

  const sampled = createAccessLog(
    { file, sample: 0.5 },
    (error) => t.fail(String(error)),
    () => 0.6,
  )
  sampled.write(observed())
  sampled.write(observed({ status: 502 }))
  sampled.close()
  const statuses = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((each) => JSON.parse(each).status)
  t.same(statuses, [200, 502], 'of the sampled, errors of the server are always written')
})
