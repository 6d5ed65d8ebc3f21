import t from 'tap'
import { serviceVariables, toServiceLink } from '../../../../src/agent/env/service-links.ts'

const link = (
  namespace: string,
  name: string,
  clusterIP: string,
  ...ports: { name: string; protocol: string; port: number }[]
) => ({
  ...{ namespace, name, clusterIP, ports },
})
const api = link('default', 'kubernetes', '10.96.0.1', { name: 'https', protocol: 'TCP', port: 443 })
const redis = link('shop', 'redis-primary', '10.96.0.11', { name: '', protocol: 'TCP', port: 6379 })

const names = (namespace: string, enabled: boolean, services = [api, redis, link('other', 'x', '10.96.0.12')]) =>
  Object.fromEntries(serviceVariables(services, namespace, enabled))

t.test('the variables of one Service', async (t) => {
  t.same(Object.fromEntries(serviceVariables([redis], 'shop', true)), {
    REDIS_PRIMARY_SERVICE_HOST: '10.96.0.11',
    REDIS_PRIMARY_SERVICE_PORT: '6379',
    REDIS_PRIMARY_PORT: 'tcp://10.96.0.11:6379',
    REDIS_PRIMARY_PORT_6379_TCP: 'tcp://10.96.0.11:6379',
    REDIS_PRIMARY_PORT_6379_TCP_PROTO: 'tcp',
    REDIS_PRIMARY_PORT_6379_TCP_PORT: '6379',
    REDIS_PRIMARY_PORT_6379_TCP_ADDR: '10.96.0.11',
  })
})

t.test('named ports, other protocols, IPv6', async (t) => {
  const dns = link(
    'kube-system',
    'dns',
    'fd00::a',
    { name: 'dns-udp', protocol: 'UDP', port: 53 },
    { name: 'dns', protocol: 'TCP', port: 53 },
  )
  t.match(Object.fromEntries(serviceVariables([dns], 'kube-system', true)), {
    DNS_SERVICE_PORT_DNS_UDP: '53',
    DNS_SERVICE_PORT_DNS: '53',
    DNS_PORT: 'udp://[fd00::a]:53',
    DNS_PORT_53_TCP: 'tcp://[fd00::a]:53',
    DNS_PORT_53_UDP_ADDR: 'fd00::a',
  })
})

t.test('which Services a pod sees', async (t) => {
  t.match(names('shop', true), { KUBERNETES_SERVICE_HOST: '10.96.0.1', REDIS_PRIMARY_SERVICE_HOST: '10.96.0.11' })
  t.notOk('X_SERVICE_HOST' in names('shop', true), 'none of other namespaces')
  t.same(
    Object.keys(names('shop', false)).filter((name) => name.startsWith('REDIS')),
    [],
  )
  t.equal(names('shop', false)['KUBERNETES_SERVICE_PORT_HTTPS'], '443', 'the API always')
  const own = link('shop', 'kubernetes', '10.96.0.99', { name: '', protocol: 'TCP', port: 1 })
  for (const services of [
    [api, own],
    [own, api],
  ])
    t.equal(names('shop', true, services)['KUBERNETES_SERVICE_HOST'], '10.96.0.99', 'the nearer one wins')
  t.same(names('shop', true, []), {})
})

t.test('headless and external Services have no variables', async (t) => {
  const service = (spec: object) =>
    toServiceLink({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'b' }, spec })
  t.equal(service({ clusterIP: 'None', ports: [{ port: 1 }] }), undefined)
  t.equal(service({ type: 'ExternalName', externalName: 'x.example' }), undefined)
  t.same(service({ clusterIP: '10.0.0.1', ports: [{ port: 80 }] }), {
    ...{ namespace: 'b', name: 'a', clusterIP: '10.0.0.1', ports: [{ name: '', protocol: 'TCP', port: 80 }] },
  })
})
