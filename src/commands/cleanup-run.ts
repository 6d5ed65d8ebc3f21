import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Part, parts } from '../agent/part-names.ts'
import { endCriPods, leftRuntime } from '../agent/runtime/cri/open-runtime.ts'
import { runtimeDirs } from '../agent/runtime/runtime-names.ts'
import { endPods } from '../agent/runtime/shared/end-pods.ts'
import { createNodeMounts } from '../agent/volumes/node-mounts.ts'
import { errorText } from '../api/errors.ts'
import { cleanupNodeAddress } from '../dns/node-address.ts'
import { removeCgroups } from '../host/cgroup.ts'
import { type CommandRunner, createCommandRunner } from '../host/command.ts'
import { counted } from '../host/counted.ts'
import { createIproute, type Iproute } from '../host/iproute.ts'
import { silentLogger } from '../host/log.ts'
import { detectBackend } from '../host/netfilter/backend.ts'
import { createNetfilter, type Netfilter } from '../host/netfilter/netfilter.ts'
import { print, printError } from '../host/terminal.ts'
import { runCniServer } from '../overlay/cni/server.ts'
import { cleanupOverlay } from '../overlay/overlay.ts'
import { cleanupPolicies } from '../overlay/policy/enforcer.ts'
import { cleanupOwnAddresses } from '../proxy/ingress/own-addresses.ts'
import { cleanupProxy } from '../proxy/iptables/kernel.ts'
import type { CleanupOptions } from './cleanup.ts'
import { partsOf } from './parts.ts'
import { createProgress } from './progress.ts'

/** The runtime asks our plugin to take the network of each pod away, whose agent has gone: all of it goes a moment later. */
const whileNetworkIsGone = async <T>(stateDir: string, work: () => Promise<T>): Promise<T> => {
  const stop = new AbortController()
  const { promise: isListening, resolve: listens } = Promise.withResolvers<void>()
  const plugin = { answer: async () => ({ status: 0, stdout: '' }) }
  const serving = runCniServer(join(stateDir, 'cni.sock'), plugin, silentLogger, stop.signal, listens)
  await Promise.race([isListening, serving])
  try {
    return await work()
  } finally {
    stop.abort()
    await serving
  }
}

const endPodsOfRuntime = async (stateDir: string, dataDir: string): Promise<number> => {
  const left = await leftRuntime(dataDir)
  return left ? whileNetworkIsGone(stateDir, () => endCriPods(dataDir, left)) : 0
}

/** Ends the pods that an agent has left running. */
const endAllPods = async (stateDir: string, dataDir: string): Promise<number> => {
  let ended = await endPodsOfRuntime(stateDir, dataDir).catch((error: unknown) => {
    printError(`pods in the container runtime are left there: ${errorText(error)}; see crictl pods`)
    return 0
  })
  for (const folder of runtimeDirs(stateDir)) ended += await endPods(folder, (message) => printError(message))
  return ended
}

interface Kernel {
  readonly runner: CommandRunner
  readonly iproute: Iproute
  readonly netfilters: readonly Netfilter[]
}

const openKernel = async (): Promise<Kernel> => {
  const runner = createCommandRunner()
  const { backend } = await detectBackend(runner)
  const families = existsSync('/proc/net/if_inet6') ? (['IPv4', 'IPv6'] as const) : (['IPv4'] as const)
  const netfilters = families.map((family) => createNetfilter(runner, family, backend))
  return { runner, iproute: createIproute(runner), netfilters }
}

/** What each part leaves in the kernel. */
const cleanups: Readonly<Record<Part, (kernel: Kernel) => Promise<void>>> = {
  proxy: async ({ netfilters }) => {
    for (const netfilter of netfilters) await cleanupProxy(netfilter)
  },
  dns: async ({ iproute, netfilters }) => {
    for (const netfilter of netfilters) await cleanupNodeAddress(iproute, netfilter)
  },
  ingress: async ({ iproute, netfilters }) => {
    for (const netfilter of netfilters) await cleanupOwnAddresses(iproute, netfilter)
  },
  network: async ({ runner, netfilters }) => {
    for (const netfilter of netfilters) await cleanupPolicies(netfilter)
    await cleanupOverlay(runner, netfilters)
  },
}

const cleanupParts = async (chosen: Iterable<Part>): Promise<void> => {
  const kernel = await openKernel()
  for (const part of chosen) await cleanups[part](kernel)
}

export const cleanup = async ({ state, data, cgroupParent, keepData, only }: CleanupOptions): Promise<void> => {
  const progress = createProgress()
  if (only !== undefined) {
    const chosen = partsOf(only)
    await progress.run('removing rules, devices and routes', () => cleanupParts(chosen))
    // Leases are of the addresses that went with the network; what else the parts keep are caches.
    if (chosen.has('network')) await rm(join(state, 'cni.conflist'), { force: true })
    if (chosen.has('network') && !keepData) await rm(join(data, 'leases.json'), { force: true })
    print(`removed: ${[...chosen].join(', ')}`)
    return
  }
  const pods = await progress.run('ending pods', () => endAllPods(state, data))
  // The network goes last: the others' rules speak of its devices.
  await progress.run('removing rules, devices and routes', () => cleanupParts([...parts].reverse()))
  await removeCgroups(cgroupParent)
  // What is removed must be the agent's, and not what pods had mounted there.
  for (const folder of [state, data]) await createNodeMounts(createCommandRunner()).unmountAll(folder)
  await rm(state, { recursive: true, force: true })
  if (!keepData) await rm(data, { recursive: true, force: true })
  print(`this machine is no node any longer (${counted(pods, 'pod')} ended)`)
}
