/**
 * Keeps the network policies of a node's pods in the kernel. Fail-closed: a pod is let onto the network when its policies
 * are there.
 */

import { aborted, type Clock, sleep, systemClock, untilBeat } from '../../api/clock.ts'
import type { Informer } from '../../api/informer.ts'
import { createSyncLoop, type Dirty } from '../../api/sync-loop.ts'
import type { Namespace, NetworkPolicy, StringMap } from '../../api/types/index.ts'
import type { Conversations } from '../../host/conntrack/conversations.ts'
import type { Logger } from '../../host/log.ts'
import { createKernelChains, type KeptRoom, removeKernelChains } from '../../host/netfilter/kernel-chains.ts'
import type { CountedRule, Netfilter } from '../../host/netfilter/netfilter.ts'
import { pack, tableSteps } from '../../host/netfilter/restores.ts'
import { ruleWords } from '../../host/netfilter/tables.ts'
import type { IpFamily } from '../../ip/address.ts'
import { createForbiddenCleaner } from './forbidden-cleaner.ts'
import type { Group } from './group-chains.ts'
import { type Direction, type Policy, readPolicy } from './model.ts'
import { directionOf, isFixedPolicyChain, isPolicyChain } from './names.ts'
import type { PolicyPod } from './pod.ts'
import { createPolicyChains, type PolicyTable, policyJumps, policyTables } from './policy-chains.ts'
import { labelOf } from './words.ts'

export const policyRoom: KeptRoom<PolicyTable> = {
  tables: policyTables,
  isOwn: isPolicyChain,
  isFixed: isFixedPolicyChain,
  plan: (known, change, limit) => pack(tableSteps('mangle', known, change, limit), limit),
}

export interface PolicyEnforcerOptions {
  /** Of all nodes. */
  readonly pods: Informer<PolicyPod>
  readonly namespaces: Informer<Namespace>
  readonly policies: Informer<NetworkPolicy>
  readonly nodeName: string
  readonly podCIDRs: readonly string[]
  /** The address of the cluster DNS, which counts as a pod of kube-system labelled `k8s-app: kube-dns`. */
  readonly clusterDns: string
  /** One for each family. */
  readonly netfilters: readonly Netfilter[]
  readonly conversations: (family: IpFamily) => Conversations
  /** This node's own addresses, now. */
  readonly ownAddresses: () => ReadonlySet<string>
  readonly log: Logger
  readonly clock?: Clock
  /** How often to look whether others touched the rules (default 5 s). */
  readonly checkEveryMs?: number
}

/** First packets of connections, as the kernel has counted them. */
export interface PolicyCount {
  /** `namespace/name`. */
  readonly policy: string
  readonly direction: Direction
  readonly accepted: number
  /** One that no policy of a pod allows counts for each of them. */
  readonly dropped: number
}

/** The rule that lets go on bears the policy's name, the rule that drops that of the group. */
const countPolicies = (
  groups: readonly Group[],
  counted: ReadonlyMap<string, readonly CountedRule[]>,
): readonly PolicyCount[] => {
  const accepted = new Map<string, number>()
  const dropped = new Map<string, number>()
  for (const [chain, rules] of counted) {
    const direction = directionOf(chain)
    if (direction === undefined) continue
    for (const { rule, packets } of rules) {
      const words = ruleWords(rule)
      const comment = words[words.indexOf('--comment') + 1]
      const [into, key] = words.at(-1) === 'DROP' ? [dropped, comment] : [accepted, `${direction} ${comment}`]
      if (comment !== undefined && key !== undefined) into.set(key, (into.get(key) ?? 0) + packets)
    }
  }
  const found = new Map<string, PolicyCount>()
  for (const { chain, direction, policies } of groups)
    for (const policy of policies) {
      const key = `${direction} ${policy}`
      const labelled = `${direction} ${labelOf(policy)}`
      const before = found.get(key)?.dropped ?? 0
      const drops = before + (dropped.get(chain) ?? 0)
      found.set(key, { policy, direction, accepted: accepted.get(labelled) ?? 0, dropped: drops })
    }
  return [...found.values()]
}

export interface PolicyEnforcer {
  /** Runs until `signal` aborts; the rules stay. */
  run(signal: AbortSignal): Promise<void>
  /** Resolves when the policies of the first lists are in the kernel. */
  readonly synced: Promise<void>
  /**
   * Resolves when the policies of this pod of the node are in the kernel for these addresses: before, nobody may use
   * them. Rejects when the API does not know the pod.
   */
  admit(pod: { readonly key: string; readonly uid: string }, addresses: readonly string[]): Promise<void>
  /** The pod has left its addresses. */
  forget(uid: string): void
  counts(): Promise<readonly PolicyCount[]>
}

const dnsKey = 'kube-system/the cluster DNS'

const dnsPod = (address: string): PolicyPod => ({
  ...{ namespace: 'kube-system', uid: '', node: '', addresses: [address], labels: { 'k8s-app': 'kube-dns' } },
  ports: [
    { name: 'dns', protocol: 'UDP', port: 53 },
    { name: 'dns-tcp', protocol: 'TCP', port: 53 },
  ],
})

const checkKey = 'check'
const changeKey = 'change'
const fullSyncMs = 3_600_000
/** For so long the API may take to show us a pod that runs here. */
const acquaintanceMs = 5_000
const lookAgainMs = 20

export const createPolicyEnforcer = (options: PolicyEnforcerOptions): PolicyEnforcer => {
  const { pods, namespaces, policies, nodeName, podCIDRs, log, clock = systemClock, checkEveryMs = 5_000 } = options
  const { ownAddresses } = options
  const world = {
    pods: new Map<string, PolicyPod>(),
    namespaces: new Map<string, StringMap>(),
    policies: new Map<string, Policy>(),
  }
  const families = options.netfilters.map((netfilter) => ({
    netfilter,
    chains: createPolicyChains({ family: netfilter.family, nodeName, podCIDRs }),
    kernel: createKernelChains(netfilter, policyJumps, policyRoom),
    cleaner: createForbiddenCleaner({
      ...{ conversations: options.conversations(netfilter.family), log, clock },
      situation: () => ({
        ...{ family: netfilter.family, nodeName, ownAddresses: ownAddresses() },
        ...{ pods: world.pods, namespaces: world.namespaces, policies: [...world.policies.values()] },
      }),
    }),
  }))
  /** By uid: addresses that pods of this node have before the API knows of it. */
  const admitted = new Map<string, { readonly key: string; readonly addresses: readonly string[] }>()

  const put = <T>(map: Map<string, T>, key: string, value: T | undefined): void => {
    if (value === undefined) map.delete(key)
    else map.set(key, value)
  }

  const placePod = (key: string, pod: PolicyPod | undefined): void => {
    put(world.pods, key, pod)
    for (const { chains } of families) chains.setPod(key, pod)
  }

  const setPod = (key: string): void => {
    const pod = pods.get(key)
    const own = pod && admitted.get(pod.uid)
    // A uid is what its pod says of itself.
    placePod(key, pod && own?.key === key ? { ...pod, addresses: own.addresses } : pod)
  }

  const sync = async (dirty: Dirty): Promise<void> => {
    for (const { netfilter, chains, kernel, cleaner } of families) {
      const change = chains.takeChange()
      const narrowed = chains.takeNarrowed()
      const repair = async (): Promise<void> => {
        await kernel.repair(chains.all())
        cleaner.look('all')
      }
      if (dirty === 'all' || kernel.isUnsure) await repair()
      else {
        await kernel.advance(change)
        cleaner.look(narrowed)
      }
      if (dirty !== 'all' && dirty.has(checkKey) && !(await kernel.isIntact())) {
        log.warn({ family: netfilter.family }, 'somebody changed the rules of network policies: reading them back')
        await repair()
      }
    }
  }

  const loop = createSyncLoop({
    ...{ sync, clock, resyncMs: fullSyncMs },
    onError: (error, retryInMs) => log.error({ err: error, retryInMs }, 'cannot write the rules of network policies'),
  })
  const watch = (): void => {
    placePod(dnsKey, dnsPod(options.clusterDns))
    namespaces.onChange((name, namespace) => {
      const labels = namespace && (namespace.metadata.labels ?? {})
      put(world.namespaces, name, labels)
      for (const { chains } of families) chains.setNamespace(name, labels)
      loop.mark(changeKey)
    })
    policies.onChange((key, object) => {
      const policy = object && readPolicy(object)
      for (const problem of policy?.problems ?? []) log.warn({ policy: key }, problem)
      put(world.policies, key, policy)
      for (const { chains } of families) chains.setPolicy(key, policy)
      loop.mark(changeKey)
    })
    pods.onChange((key, current, previous) => {
      if (JSON.stringify(current) === JSON.stringify(previous)) return
      setPod(key)
      loop.mark(changeKey)
    })
  }

  const findPod = async (key: string, uid: string): Promise<void> => {
    for (const deadline = clock.now() + acquaintanceMs; pods.get(key)?.uid !== uid; await sleep(lookAgainMs))
      if (clock.now() > deadline)
        throw new Error(`the API server shows no pod ${key} (${uid}): its network policies are not known`)
  }

  return {
    synced: loop.synced,
    admit: async ({ key, uid }, addresses) => {
      await loop.synced
      await findPod(key, uid)
      admitted.set(uid, { key, addresses })
      setPod(key)
      // Nothing is written, and nothing waited for, when no policy speaks of it.
      await loop.done(changeKey)
    },
    forget: (uid) => {
      const own = admitted.get(uid)
      if (!own) return
      admitted.delete(uid)
      setPod(own.key)
      loop.mark(changeKey)
    },
    counts: async () => {
      const found: PolicyCount[] = []
      for (const { netfilter, chains } of families)
        found.push(...countPolicies(chains.groups(), await netfilter.counts('mangle')))
      return found
    },
    run: async (signal) => {
      await Promise.race([Promise.all([pods.synced, namespaces.synced, policies.synced]), aborted(signal)])
      if (signal.aborted) return
      watch()
      let cancel = clock.after(untilBeat(checkEveryMs, clock), function due() {
        loop.mark(checkKey)
        cancel = clock.after(untilBeat(checkEveryMs, clock), due)
      })
      const cleaning = Promise.race([loop.synced, aborted(signal)]).then(() =>
        Promise.all(families.map(({ cleaner }) => cleaner.run(signal))),
      )
      await loop.run(signal)
      cancel()
      await cleaning
    },
  }
}

/** Takes away all chains of network policies and every jump to them. Safe to repeat. */
export const cleanupPolicies = (netfilter: Netfilter): Promise<void> => removeKernelChains(netfilter, policyRoom)
