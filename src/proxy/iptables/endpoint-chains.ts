/** The chains of a service port that pick an endpoint: in turn, or the one that the client had before. */
import { destinationWord } from '../../host/netfilter/address-words.ts'
import { always, argument, type ChainName, count, protocolWord, type Rule, rule } from '../../host/netfilter/rule.ts'
import type { Chain } from '../../host/netfilter/tables.ts'
import type { IpFamily } from '../../ip/address.ts'
import { balance, type Target } from './balance.ts'
import type { EndpointView } from './endpoints.ts'
import type { ServicePortView } from './model.ts'
import { hashedChain } from './names.ts'

/** The endpoints for one traffic policy. */
export interface EndpointSet {
  readonly chainFamily: 'SVC' | 'SVL'
  readonly endpoints: readonly EndpointView[]
  /** The chain that spreads connections over the set. */
  readonly chain: ChainName
}

export const createSet = (
  { key }: ServicePortView,
  chainFamily: EndpointSet['chainFamily'],
  endpoints: readonly EndpointView[],
): EndpointSet => {
  let chain: ChainName | undefined
  return {
    chainFamily,
    endpoints,
    // A hash for each of many sets that nobody asks for would be most of the time that compiling takes.
    get chain() {
      chain ??= hashedChain(chainFamily, key)
      return chain
    },
  }
}

const toEndpoint = ({ address, port }: EndpointView): Rule =>
  rule`-j DNAT --to-destination ${destinationWord(address, port)}`

const endpointChainName = ({ key }: ServicePortView, { address, port }: EndpointView): ChainName =>
  hashedChain('SEP', key, address.text, String(port))

const wholeAddress = {
  IPv4: argument('255.255.255.255'),
  IPv6: argument(Array(8).fill('ffff').join(':')),
} as const

/** The kernel's list of the clients of an endpoint, under the name of its chain. */
const clientList = (chain: ChainName, family: IpFamily): Rule =>
  rule`--name ${chain} --mask ${wholeAddress[family]} --rsource`

/** Chains that remember the client and send it to its endpoint; only affinity needs them. */
export const affinityChains = (
  view: ServicePortView,
  endpoints: readonly EndpointView[],
  family: IpFamily,
): readonly Chain[] => {
  if (view.affinitySeconds === undefined) return []
  return endpoints.map((endpoint) => {
    const name = endpointChainName(view, endpoint)
    const remember = rule`-m recent --set ${clientList(name, family)}`
    return { name, rules: [rule`-p ${protocolWord(view.protocol)} ${remember} ${toEndpoint(endpoint)}`] }
  })
}

/** Back to the endpoint that the client had within the last while. */
const returnRules = (view: ServicePortView, { endpoints }: EndpointSet, family: IpFamily): readonly Rule[] => {
  if (view.affinitySeconds === undefined) return []
  const within = rule`-m recent --rcheck --seconds ${count(view.affinitySeconds)} --reap`
  return endpoints
    .map((endpoint) => endpointChainName(view, endpoint))
    .map((chain) => rule`${within} ${clientList(chain, family)} -j ${chain}`)
}

const targetOf = (view: ServicePortView, endpoint: EndpointView): Target =>
  view.affinitySeconds === undefined
    ? { match: rule`-p ${protocolWord(view.protocol)}`, verdict: toEndpoint(endpoint) }
    : { match: always, verdict: rule`-j ${endpointChainName(view, endpoint)}` }

/** The chain that spreads connections over a set, after the groups it leads to. `first` are rules at its start. */
export const setChains = (
  view: ServicePortView,
  set: EndpointSet,
  first: readonly Rule[],
  family: IpFamily,
): readonly Chain[] => {
  const targets = set.endpoints.map((endpoint) => targetOf(view, endpoint))
  const { rules, groups } = balance(
    targets,
    (index) => hashedChain('GRP', set.chainFamily, view.key, `${index}`),
    view.balancing,
  )
  return [...groups, { name: set.chain, rules: [...first, ...returnRules(view, set, family), ...rules] }]
}
