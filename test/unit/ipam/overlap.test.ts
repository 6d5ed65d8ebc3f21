import t from 'tap'
import { cidrOf, overlaps } from '../../../src/ip/cidr.ts'
import { findOverlaps } from '../../../src/ipam/overlap.ts'

const pods = { name: '--cluster-cidr', cidr: '10.244.0.0/16' }
const services = { name: '--service-cidr', cidr: '10.96.0.0/16' }
const none = { routes: [], resolvers: [] }

t.test('ranges that have nothing in common', async (t) => {
  t.same(findOverlaps([pods, services], none), [])
  const routes = [
    { destination: 'default', device: 'eth0' },
    { destination: '::/0', device: 'eth0' },
    { destination: '192.0.2.0/24', device: 'eth0' },
    { destination: '10.95.255.255', device: 'vpn0' },
  ]
  t.same(findOverlaps([pods, services], { routes, resolvers: ['192.0.2.53', '127.0.0.53'] }), [])
})

t.test('each overlap is told, with a range that is free', async (t) => {
  const [message = ''] = findOverlaps([pods, { name: '--service-cidr', cidr: '10.244.96.0/20' }], none)
  t.match(message, /^--service-cidr 10\.244\.96\.0\/20 overlaps --cluster-cidr 10\.244\.0\.0\/16; \S+ is free$/)
  const free = cidrOf(/(\S+) is free/.exec(message)?.[1] ?? '')
  t.notOk(overlaps(free, cidrOf(pods.cidr)))

  const routes = [
    { destination: '10.0.0.0/8', device: 'vpn0' },
    { destination: 'fd00:1::/64', device: 'eth0' },
    { destination: '10.244.7.7', device: 'eth1' },
  ]
  const found = findOverlaps([pods, services, { name: '--cluster-cidr', cidr: 'fd00:1::/48' }], {
    routes,
    resolvers: ['10.96.0.53'],
  })
  t.match(found, [
    /^--cluster-cidr 10\.244\.0\.0\/16 overlaps the route to 10\.0\.0\.0\/8 by vpn0; 172\.16\.0\.0\/16 is free$/,
    /overlaps the route to 10\.244\.7\.7 by eth1/,
    /^--service-cidr 10\.96\.0\.0\/16 overlaps the route to 10\.0\.0\.0\/8/,
    /overlaps the name server 10\.96\.0\.53/,
    /^--cluster-cidr fd00:1::\/48 overlaps the route to fd00:1::\/64 by eth0; fd.*\/48 is free/,
  ])
})

t.test('where nothing is free, nothing is suggested', async (t) => {
  const routes = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((destination) => ({ destination, device: 'a' }))
  t.notMatch(findOverlaps([pods], { routes, resolvers: [] })[0], /is free/)
})
