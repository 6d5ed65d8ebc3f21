/**
 * Addresses of Gateways on a node: each is local by a route of the table `local`, on no device, so that it is never chosen
 * as the source of what the node itself sends, and what is ours can be told by its protocol number.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Clock, systemClock } from '../../api/clock.ts'
import { createSyncLoop } from '../../api/sync-loop.ts'
import { type Iproute, line } from '../../host/iproute.ts'
import type { Logger } from '../../host/log.ts'
import { hostWord } from '../../host/netfilter/address-words.ts'
import type { Netfilter } from '../../host/netfilter/netfilter.ts'
import type { Jump } from '../../host/netfilter/owned.ts'
import { chainName, type Rule, rule, toPorts } from '../../host/netfilter/rule.ts'
import { createRuleKeeper, removeChains } from '../../host/netfilter/rule-keeper.ts'
import { type IpFamily, parseAddress } from '../../ip/address.ts'

/** What is served, of an address that is not the node's otherwise. */
export interface ServedAddress {
  readonly address: string
  /** TCP. Sorted. */
  readonly ports: readonly number[]
}

export interface OwnAddresses {
  /** Makes these addresses the node's, and no others; resolves when that was tried: what fails is said, and tried again. */
  hold(served: readonly ServedAddress[]): Promise<void>
  /** Keeps them until `signal` aborts, and leaves them there. */
  run(signal: AbortSignal): Promise<void>
}

/** For whoever makes addresses local in some other way, or needs not. */
export const noOwnAddresses: OwnAddresses = { hold: async () => {}, run: async () => {} }

const chain = chainName('PODWAY-GATEWAYS')

export const isGatewayChain = (name: string): boolean => name === chain

/** Of routes in `local`: everything with it is ours. */
const routeProtocol = 118

/** An address of a Gateway is no way to what else listens on the node: its ports, answers to the node, and pings. Pure. */
export const compileAddressRules = (served: readonly ServedAddress[], family: IpFamily): readonly Rule[] =>
  served.flatMap(({ address, ports: open }) => {
    const known = parseAddress(address, family)
    if (known === undefined) return []
    const to = rule`-d ${hostWord(known)}`
    const ping = family === 'IPv4' ? rule`-p icmp` : rule`-p ipv6-icmp`
    return [
      ...open.map((port) => rule`${to} ${toPorts('tcp', port)} -j RETURN`),
      rule`${to} ${ping} -j RETURN`,
      rule`${to} -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN`,
      rule`${to} -j REJECT --reject-with ${family === 'IPv4' ? rule`icmp-port-unreachable` : rule`icmp6-port-unreachable`}`,
    ]
  })

const jump: Jump = {
  ...{ table: 'filter', from: 'INPUT', at: 'first' },
  rule: rule`-m comment --comment "podway gateways" -j ${chain}`,
}

const flags: Readonly<Record<IpFamily, '-4' | '-6'>> = { IPv4: '-4', IPv6: '-6' }

/** Those that are local by routes of ours. */
const held = async (iproute: Iproute, family: IpFamily): Promise<readonly string[]> => {
  const routes = await iproute.showIp([
    flags[family],
    'route',
    'show',
    'table',
    'local',
    'proto',
    String(routeProtocol),
  ])
  return routes.flatMap((route) =>
    typeof route === 'object' && route !== null && 'dst' in route && typeof route.dst === 'string' ? [route.dst] : [],
  )
}

const add = (address: string) => line`route replace local ${address} dev lo table local proto ${routeProtocol}`
const remove = (address: string) => line`route del local ${address} dev lo table local proto ${routeProtocol}`

export interface OwnAddressesOptions {
  readonly iproute: Iproute
  /** One for each family that there is. */
  readonly netfilters: readonly Netfilter[]
  readonly log: Logger
  readonly clock?: Clock
  readonly resyncMs?: number
}

export const createOwnAddresses = (options: OwnAddressesOptions): OwnAddresses => {
  const { iproute, netfilters, log, clock = systemClock, resyncMs = 5_000 } = options
  const keepers = netfilters.map((netfilter) => ({
    family: netfilter.family,
    keeper: createRuleKeeper(netfilter, [jump]),
  }))
  let wanted: readonly ServedAddress[] | undefined
  let waiting: (() => void)[] = []
  let hasEnded = false

  const apply = async (): Promise<void> => {
    // Nothing is known yet: what an agent before this one has made local stays so.
    if (!wanted) return
    for (const { family, keeper } of keepers) {
      const addresses = wanted.flatMap(({ address }) => parseAddress(address, family)?.text ?? [])
      await keeper.ensure([{ table: 'filter', chains: [{ name: chain, rules: compileAddressRules(wanted, family) }] }])
      const there = await held(iproute, family)
      await iproute.ip([
        ...addresses.filter((address) => !there.some((each) => each === address)).map(add),
        ...there.filter((address) => !addresses.some((each) => each === address)).map(remove),
      ])
    }
  }
  const tellAll = (told: readonly (() => void)[]): void => {
    for (const tell of told) tell()
  }
  const sync = async (): Promise<void> => {
    const told = waiting
    waiting = []
    try {
      await apply()
    } finally {
      tellAll(told)
    }
  }
  const loop = createSyncLoop({
    ...{ sync, clock, resyncMs, onBeat: true },
    onError: (error, retryInMs) =>
      log.warn({ err: error, retryInMs }, 'addresses of Gateways are not in place; trying again'),
  })

  return {
    hold: (served) => {
      if (hasEnded || isDeepStrictEqual(served, wanted)) return Promise.resolve()
      wanted = served
      return new Promise((resolve) => {
        waiting.push(resolve)
        loop.markAll()
      })
    },
    run: async (signal) => {
      await loop.run(signal)
      hasEnded = true
      tellAll(waiting)
    },
  }
}

/** Takes routes and rules away. */
export const cleanupOwnAddresses = async (iproute: Iproute, netfilter: Netfilter): Promise<void> => {
  await iproute.ip((await held(iproute, netfilter.family)).map(remove))
  await removeChains(netfilter, ['filter'], isGatewayChain)
}
