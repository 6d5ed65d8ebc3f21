/** The one place of this room that writes to the kernel. */
import { createKernelChains, type KernelChains, removeKernelChains } from '../../host/netfilter/kernel-chains.ts'
import type { Netfilter } from '../../host/netfilter/netfilter.ts'
import type { Jump } from '../../host/netfilter/owned.ts'
import { type ProxyTable, proxyTables } from './frame.ts'
import { isFixedChain, isProxyChain } from './names.ts'
import { planRestores } from './plan.ts'

export type KernelRules = KernelChains<ProxyTable>

const room = { tables: proxyTables, isOwn: isProxyChain, isFixed: isFixedChain, plan: planRestores }

export const createKernelRules = (netfilter: Netfilter, jumps: readonly Jump[]): KernelRules =>
  createKernelChains(netfilter, jumps, room)

/** Takes away all chains of this room and every jump to them; the rules of others stay as they are. Safe to repeat. */
export const cleanupProxy = (netfilter: Netfilter): Promise<void> => removeKernelChains(netfilter, room)
