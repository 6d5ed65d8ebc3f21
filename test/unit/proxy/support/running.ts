/** A service proxy at work over an API server server. */
import type { Test } from 'tap'
import { createClient } from '../../../../src/api/client.ts'
import { createInformer } from '../../../../src/api/informer.ts'
import { endpointSlices, services } from '../../../../src/api/resources.ts'
import { serviceOfSlice } from '../../../../src/api/slices.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import type { Netfilter } from '../../../../src/host/netfilter/netfilter.ts'
import { createServiceProxy, type ServiceProxyOptions } from '../../../../src/proxy/iptables/service-proxy.ts'
import type { ClusterApi } from '../../../support/cluster-api.ts'
import { soon } from '../../../support/until.ts'
import { type Objects, serviceRanges } from './rules.ts'

export const putObjects = (api: ClusterApi, { service, slices }: Objects): void => {
  api.put('services', service)
  for (const slice of slices) api.put('endpointslices', slice)
}

/** A proxy of node `here`, with its informers; runs until `end` or the end of the test. */
export const startProxy = (
  t: Test,
  api: ClusterApi,
  netfilter: Netfilter,
  options: Partial<ServiceProxyOptions> = {},
) => {
  const client = createClient(api)
  const stop = new AbortController()
  const watched = createInformer(client, services)
  const slices = createInformer(client, endpointSlices, { indexes: { service: serviceOfSlice } })
  const proxy = createServiceProxy({
    ...{ services: watched, slices, netfilter, nodeName: 'here', podCIDRs: ['10.1.0.0/24', 'fd00:1::/64'] },
    serviceCIDRs: Object.values(serviceRanges),
    log: silentLogger,
    writeSysctl: async (key) => {
      throw new Error(`nobody expects ${key} to be written`)
    },
    ...options,
  })
  const running = [watched.run(stop.signal), slices.run(stop.signal), proxy.run(stop.signal)]
  const end = async (): Promise<void> => {
    stop.abort()
    await Promise.all(running)
  }
  t.teardown(end)
  return {
    proxy: {
      ...proxy,
      get synced() {
        return soon(proxy.synced, 'the first rules')
      },
    },
    ...{ end, watched, slices },
  }
}
