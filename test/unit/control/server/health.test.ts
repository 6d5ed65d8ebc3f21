/** Whether the server does its work, as load balancers and monitoring ask. */
import t from 'tap'
import { createHealth } from '../../../../src/control/server/health.ts'
import { callOf, createTestApi } from '../../../support/api-server.ts'

const start = () => {
  const failing = new Set<string>()
  const told: string[] = []
  const check = (name: string, readyOnly = false) => ({
    ...{ name, readyOnly },
    check: async () => {
      if (failing.has(name)) throw new Error('secret')
    },
  })
  const health = createHealth([check('ping'), check('etcd'), check('shutdown', true)], (name) => told.push(name))
  const ask = async (path: string) => {
    const answer = await health(callOf('GET', path, {}, new AbortController().signal))?.()
    return answer?.kind === 'bytes' ? [answer.code ?? 200, String(answer.bytes)] : answer
  }
  return { failing, told, ask }
}

t.test('all is well', async (t) => {
  const { ask } = start()
  for (const path of ['/healthz', '/livez', '/readyz', '/healthz/', '/readyz/etcd'])
    t.same(await ask(path), [200, 'ok'], path)
  t.same(await ask('/healthz?verbose'), [200, '[+]ping ok\n[+]etcd ok\nhealthz check passed\n'])
  t.same(await ask('/readyz?verbose=true'), [200, '[+]ping ok\n[+]etcd ok\n[+]shutdown ok\nreadyz check passed\n'])
  t.equal(await ask('/healthzz'), undefined)
  t.equal(await ask('/version'), undefined)
})

t.test('something is not', async (t) => {
  const { failing, told, ask } = start()
  failing.add('etcd')
  t.same(await ask('/livez'), [500, '[+]ping ok\n[-]etcd failed: reason withheld\nlivez check failed\n'])
  t.same(told, ['etcd'], 'the log has the reason')
  t.same(await ask('/livez/etcd'), [500, 'internal server error: reason withheld\n'])
  t.same(await ask('/livez/ping'), [200, 'ok'])
  t.same(await ask('/livez?exclude=etcd'), [200, 'ok'])
  t.same(await ask('/livez?exclude=etcd&exclude=disk&verbose'), [
    200,
    '[+]ping ok\n[+]etcd excluded: ok\nwarn: some health checks cannot be excluded: no matches for "disk"\nlivez check passed\n',
  ])
  failing.clear()
  failing.add('shutdown')
  t.same(await ask('/livez'), [200, 'ok'], 'nobody is started anew for not being ready')
  t.equal(((await ask('/readyz')) as unknown[])[0], 500)
})

t.test('a check that is not there', async (t) => {
  const api = await createTestApi()
  t.equal((await api.request('GET', '/readyz/nothing')).code, 404)
  t.equal((await api.request('POST', '/readyz')).code, 405)
})

t.test('the server in numbers', async (t) => {
  const api = await createTestApi()
  const maps = '/api/v1/namespaces/default/configmaps'
  const watch = await api.watch(`${maps}?watch=1`)
  await api.request('POST', maps, { body: { metadata: { name: 'a' } } })
  await api.request('POST', `${maps}?dryRun=All`, { body: { metadata: { name: 'b' } } })
  await api.request('GET', `${maps}/none`)
  await api.request('GET', '/apis/made.up/v1/names')
  const scrape = async () => String((await api.request('GET', '/metrics')).body['bytes'])
  const during = await scrape()
  const labels = 'group="",version="v1",resource="configmaps",subresource=""'
  for (const line of [
    `apiserver_request_total{verb="POST",${labels},scope="resource",component="apiserver",dry_run="",code="201"} 1`,
    `apiserver_request_total{verb="POST",${labels},scope="resource",component="apiserver",dry_run="All",code="201"} 1`,
    `apiserver_request_total{verb="GET",${labels},scope="resource",component="apiserver",dry_run="",code="404"} 1`,
    `apiserver_longrunning_gauge{verb="WATCH",${labels},scope="namespace",component="apiserver"} 1`,
    'apiserver_watch_events_total{group="",version="v1",kind="ConfigMap"} 1',
    'apiserver_current_inflight_requests{request_kind="readOnly"} 1',
    `apiserver_request_duration_seconds_count{verb="POST",${labels},scope="resource",component="apiserver",dry_run=""} 1`,
  ])
    t.ok(during.split('\n').includes(line), line)
  t.notMatch(during, /made\.up/, 'nobody makes up labels')
  await watch.stop()
  t.match(await scrape(), new RegExp(`apiserver_longrunning_gauge\\{verb="WATCH",${labels},[^}]*\\} 0`))
})
