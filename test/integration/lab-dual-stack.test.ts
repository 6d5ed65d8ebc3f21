/** A lab with both IP families. */
import { join } from 'node:path'
import t from 'tap'
import { until } from '../support/until.ts'
import { createLabHome, root } from './support/lab.ts'
import { statusIn, webService } from './support/lab-web.ts'

t.setTimeout(150_000)
const { run, kubectl, kubectlJson, apply, fetchFrom } = await createLabHome()
const statusOf = statusIn(run)

t.test('nodes, pods and Services have addresses of both IP families', { timeout: 120_000 }, async (t) => {
  t.teardown(() => run('lab', 'down').catch(() => undefined))
  await run('lab', 'up', '--nodes', '2', '--dual-stack')
  await kubectl('apply', '-f', join(root, 'examples/demo.yaml'))
  await apply(
    webService('dual', {
      ...{ type: 'NodePort', ipFamilyPolicy: 'RequireDualStack' },
      ports: [{ port: 80, targetPort: 8080, nodePort: 30_090 }],
    }),
    webService('six', { ipFamilies: ['IPv6'], ports: [{ port: 80, targetPort: 8080 }] }),
  )
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
  const [, address = ''] = (await kubectl('get', 'service', 'dual', '-o', 'jsonpath={.spec.clusterIPs[*]}')).split(' ')
  t.match(address, /^fd00:96::/)
  for (const [host, url] of [
    ['node1', `http://[${address}]/`],
    ['client', 'http://[fd00:30::11]:30090/'],
    ['client', 'http://[fd00:30::12]:30090/'],
    ['client', 'http://172.30.0.11:30090/'],
    ['node1', 'http://[::1]:30090/'],
  ] as const) {
    await until(async () => (await statusOf(host, url)) === '200', url)
    t.equal(new Set((await fetchFrom(host, url, 6)).map(({ pod }) => pod)).size, 3, `${host}: ${url}`)
  }
  const { items } = await kubectlJson<{
    items: { metadata: { name: string }; spec: { nodeName: string }; status: { podIPs: { ip: string }[] } }[]
  }>('get', 'pods', '-l', 'app=web')
  const [from] = items
  const inPod = ['--pod', from?.metadata.name ?? '', from?.spec.nodeName ?? '', '--', 'podway', 'fetch']
  for (const { status } of items)
    t.match(await run('lab', 'exec', ...inPod, `http://[${status.podIPs[1]?.ip}]:8080/`), /"pod":"web-/, 'pod to pod')
  t.match(await run('lab', 'exec', ...inPod, 'http://six/'), /"pod":"web-/, 'by name')
})
