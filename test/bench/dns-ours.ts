/** The cluster DNS for the bench, in a process of its own, with so many Services. Says its port on stdout. */
import type { EndpointSlice } from '../../src/api/types/index.ts'
import { createClusterDns } from '../../src/dns/dns.ts'
import { silentLogger } from '../../src/host/log.ts'
import { service } from '../support/cluster-objects.ts'
import { createFedInformer } from '../support/fed-informer.ts'

const count = Number(process.argv[2] ?? 1000)
const all = Array.from({ length: count }, (_, n) => service(`s${n}`, { clusterIP: `10.96.${n >> 8}.${n & 255}` }))
const dns = createClusterDns({
  ...{ services: createFedInformer(all), slices: createFedInformer<EndpointSlice>([], { service: () => [] }) },
  ...{ clusterDomain: 'cluster.local', addresses: ['127.0.0.1'], port: 0, upstreams: [], recursionCIDRs: [] },
  log: silentLogger,
})
void dns.run(new AbortController().signal)
console.log(await dns.ready)
