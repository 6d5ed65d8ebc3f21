/** From Services to rules in a strict fake kernel, for tests. */

import { serviceOfSlice } from '../../../../src/api/slices.ts'
import type { EndpointSlice, Service } from '../../../../src/api/types/index.ts'
import { createFakeNetfilter, type FakeNetfilter } from '../../../../src/host/netfilter/fake.ts'
import { parseSave } from '../../../../src/host/netfilter/tables.ts'
import type { TracedTables } from '../../../../src/host/netfilter/trace.ts'
import { parseMaskedCidr } from '../../../../src/ip/cidr.ts'
import type { RuleContext } from '../../../../src/proxy/iptables/context.ts'
import type { ModelContext } from '../../../../src/proxy/iptables/endpoints.ts'
import { frameJumps } from '../../../../src/proxy/iptables/frame.ts'
import { createKernelRules } from '../../../../src/proxy/iptables/kernel.ts'
import { nothingReserved } from '../../../../src/proxy/iptables/reserved.ts'
import { compileService, createWantedChains } from '../../../../src/proxy/iptables/wanted.ts'

export type Context = RuleContext & ModelContext

const podRange = { IPv4: '10.1.0.0/24', IPv6: 'fd00:1::/64' } as const

/** Of cluster addresses. */
export const serviceRanges = { IPv4: '10.96.0.0/16', IPv6: 'fd00:96::/112' } as const

/** The context of node `here` with pods in 10.1.0.0/24 or fd00:1::/64. */
export const makeContext = (overrides: Partial<Context> = {}): Context => {
  const family = overrides.family ?? 'IPv4'
  const range = parseMaskedCidr(podRange[family], family)
  const serviceRange = parseMaskedCidr(serviceRanges[family], family)
  return {
    family,
    nodeName: 'here',
    zone: undefined,
    proxyName: undefined,
    relayed: false,
    nodeAddress: undefined,
    reserved: nothingReserved,
    podRanges: range ? [range] : [],
    serviceRanges: serviceRange ? [serviceRange] : [],
    masqueradeMark: 0x4000,
    masqueradeAll: false,
    nodePortRanges: undefined,
    localhostNodePorts: false,
    dropInvalid: true,
    ...overrides,
  }
}

export interface Objects {
  readonly service: Service
  readonly slices: readonly EndpointSlice[]
}

/** A fake kernel that holds the rules of these Services and nothing else. */
export const loadRules = async (
  objects: readonly Objects[],
  context = makeContext(),
  netfilter = createFakeNetfilter(context.family),
): Promise<FakeNetfilter> => {
  const wanted = createWantedChains(context)
  for (const { service, slices } of objects) {
    const key = `${service.metadata.namespace}/${service.metadata.name}`
    const own = slices.filter((slice) => serviceOfSlice(slice).includes(key))
    wanted.replace(key, compileService(service, own, context))
  }
  await createKernelRules(netfilter, frameJumps(context)).repair(wanted.all())
  return netfilter
}

/** What `tracePacket` walks. */
export const tracedTables = (netfilter: FakeNetfilter): TracedTables => ({
  nat: parseSave(netfilter.dump('nat')),
  filter: parseSave(netfilter.dump('filter')),
})

/** Chains and rules, whatever order the chains were made in. */
export const chainsOf = (netfilter: FakeNetfilter): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    (['nat', 'filter'] as const)
      .flatMap((table) =>
        [...parseSave(netfilter.dump(table)).values()].map(({ name, rules }) => [`${table} ${name}`, rules] as const),
      )
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
