import t from 'tap'
import { servedPorts, serverPlace } from '../../../src/agent/node/served-ports.ts'
import { formatServedPorts, servedPortsOf } from '../../../src/api/served-ports.ts'

t.test('what the settings make a node serve at its addresses', async (t) => {
  const at = (address: string, port: number) => ({ address, port })
  const ports = servedPorts({
    agentPort: 10_250,
    proxy: { healthz: at('0.0.0.0', 10_256), metrics: at('127.0.0.1', 10_249) },
    dnsMetrics: at('::1', 9153),
    ...{ apiServer: at('172.30.0.11', 6443), nodeAddresses: ['172.30.0.11'] },
    ingress: {
      proxy: { address: '::', httpPort: 80, httpsPort: 443 },
      metrics: at('::', 10_254),
    },
  })
  t.equal(formatServedPorts(ports), '80/TCP,443/TCP,10250/TCP,10254/TCP,10256/TCP')
  t.same(
    ports.filter(({ ip }) => ip !== undefined),
    [
      { port: 10_249, protocol: 'TCP', ip: '127.0.0.1' },
      { port: 9_153, protocol: 'TCP', ip: '::1' },
      { port: 6_443, protocol: 'TCP', ip: '172.30.0.11' },
    ],
    'and at one of them',
  )
  t.same(servedPorts({ apiServer: at('172.30.0.2', 443), nodeAddresses: ['172.30.0.11'] }), [], 'elsewhere')
  t.same(servedPorts({ agentPort: 0 }), [], 'an agent that only dials')
  const status = { daemonEndpoints: { kubeletEndpoint: { Port: 0 } } }
  const dialling = servedPortsOf({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, status })
  t.same(dialling, [{ port: 10_256, protocol: 'TCP' }])
  const metadata = { name: 'n1', annotations: { 'podway.dev/served-ports': `${formatServedPorts(ports)},x,99999/TCP` } }
  const found = servedPortsOf({ apiVersion: 'v1', kind: 'Node', metadata })
  t.equal(formatServedPorts(found), '80/TCP,443/TCP,10250/TCP,10254/TCP,10256/TCP', 'read back')
})

t.test('where the API server is', async (t) => {
  t.same(serverPlace('https://172.30.0.2:6443'), { address: '172.30.0.2', port: 6443 })
  t.same(serverPlace('https://[fd00::2]'), { address: 'fd00::2', port: 443 })
  t.equal(serverPlace('https://api.example:6443'), undefined)
})
