/**
 * Makes the cluster's DNS address one of the node's own: queries never leave the node, and are not tracked, so that
 * neither a full table nor a race of two queries from one socket can lose them (NodeLocal DNSCache's idea).
 */

import { type Clock, systemClock } from '../api/clock.ts'
import { createSyncLoop } from '../api/sync-loop.ts'
import { CommandError } from '../host/command.ts'
import { type Iproute, line } from '../host/iproute.ts'
import type { Logger } from '../host/log.ts'
import { hostWord } from '../host/netfilter/address-words.ts'
import type { Netfilter } from '../host/netfilter/netfilter.ts'
import type { Jump } from '../host/netfilter/owned.ts'
import { chainName, ports, protocolWord, rule, toPorts } from '../host/netfilter/rule.ts'
import { createRuleKeeper, removeChains, type TableRules } from '../host/netfilter/rule-keeper.ts'
import { parseSave, ruleWords } from '../host/netfilter/tables.ts'
import { addressOf, isIPv6 } from '../ip/address.ts'
import { hostCidr } from '../ip/cidr.ts'

export interface NodeAddressOptions {
  /** The cluster DNS address. */
  readonly address: string
  readonly port: number
  /** A device that is there: the pods' bridge. */
  readonly device: string
  readonly iproute: Iproute
  readonly netfilter: Netfilter
  readonly log: Logger
  readonly clock?: Clock
  readonly resyncMs?: number
}

export interface NodeAddress {
  /** Keeps address and rules in place until `signal` aborts, and leaves them there. */
  run(signal: AbortSignal): Promise<void>
  readonly synced: Promise<void>
}

const chain = chainName('PODWAY-DNS')

export const isDnsChain = (name: string): boolean => name === chain

const protocols = ['udp', 'tcp'] as const

/** Both ways untracked; and let in, whatever the node's own rules let in. Throws for what is no address or port. Pure. */
export const compileDnsRules = (
  address: string,
  port: number,
): { readonly raw: TableRules; readonly filter: TableRules } => {
  const own = hostWord(addressOf(address))
  const to = protocols.map((protocol) => rule`-d ${own} ${toPorts(protocol, port)}`)
  const from = protocols.map((protocol) => {
    const word = protocolWord(protocol)
    return rule`-s ${own} -p ${word} -m ${word} --sport ${ports(port)}`
  })
  return {
    raw: {
      table: 'raw',
      chains: [{ name: chain, rules: [...to, ...from].map((match) => rule`${match} -j CT --notrack`) }],
    },
    filter: { table: 'filter', chains: [{ name: chain, rules: to.map((match) => rule`${match} -j ACCEPT`) }] },
  }
}

const jump = (table: Jump['table'], from: Jump['from']): Jump => ({
  ...{ table, from, at: 'first' },
  rule: rule`-m comment --comment "podway cluster DNS" -j ${chain}`,
})

const rawJumps = [jump('raw', 'PREROUTING'), jump('raw', 'OUTPUT')]
const filterJumps = [jump('filter', 'INPUT')]

/** Of what `ip -json address show` says of a device. */
const hasAddresses = (link: unknown): boolean =>
  typeof link === 'object' &&
  link !== null &&
  'addr_info' in link &&
  Array.isArray(link.addr_info) &&
  link.addr_info.length > 0

export const createNodeAddress = (options: NodeAddressOptions): NodeAddress => {
  const { address, port, device, iproute, netfilter, log, clock = systemClock, resyncMs = 5_000 } = options
  const rules = compileDnsRules(address, port)
  const rawKeeper = createRuleKeeper(netfilter, rawJumps)
  const filterKeeper = createRuleKeeper(netfilter, filterJumps)
  let isTracked = false

  /** Some kernels have no table raw: then queries are tracked, and answered all the same. */
  const untrack = async (): Promise<void> => {
    if (isTracked) return
    try {
      await rawKeeper.ensure([rules.raw])
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      isTracked = true
      log.warn({ err: error }, 'DNS queries are tracked as connections: this kernel has no table raw')
    }
  }

  const isThere = async (): Promise<boolean> => {
    const found = await iproute.showIp(['address', 'show', 'dev', device, 'to', hostCidr(address)])
    return found.some((link) => hasAddresses(link))
  }

  const loop = createSyncLoop({
    ...{ clock, resyncMs, onBeat: true },
    sync: async () => {
      if (!(await isThere()))
        await iproute.ip([line`address replace ${hostCidr(address)} dev ${device} ${isIPv6(address) ? ['nodad'] : []}`])
      await Promise.all([filterKeeper.ensure([rules.filter]), untrack()])
    },
    onError: (error, retryInMs) => log.warn({ err: error, retryInMs }, 'the DNS address is not in place; trying again'),
  })
  return { run: loop.run, synced: loop.synced }
}

/** The addresses that rules of ours let in. Pure. */
const addressesIn = (rules: readonly string[]): readonly string[] => [
  ...new Set(
    rules.flatMap((text) => {
      const words = ruleWords(text)
      const at = words.indexOf('-d')
      return at < 0 ? [] : [words[at + 1] ?? '']
    }),
  ),
]

/** Takes the rules away, and the address from the loopback device: the pods' bridge takes its own along. */
export const cleanupNodeAddress = async (iproute: Iproute, netfilter: Netfilter): Promise<void> => {
  const rules = parseSave(await netfilter.save('filter')).get(chain)?.rules ?? []
  // One that is not there is no matter.
  for (const address of addressesIn(rules))
    await iproute.ip([line`address del ${address} dev lo`]).catch(() => undefined)
  await removeChains(netfilter, ['raw', 'filter'], isDnsChain)
}
