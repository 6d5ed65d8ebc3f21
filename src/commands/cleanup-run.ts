import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { runtimeDir } from '../agent/agent.ts'
import { createProcessRuntime } from '../agent/runtime/process/process-runtime.ts'
import { cleanupNodeAddress } from '../dns/node-address.ts'
import { removeCgroups } from '../host/cgroup.ts'
import { createCommandRunner } from '../host/command.ts'
import { counted } from '../host/counted.ts'
import { createIproute } from '../host/iproute.ts'
import { silentLogger } from '../host/log.ts'
import { detectBackend } from '../host/netfilter/backend.ts'
import { createNetfilter } from '../host/netfilter/netfilter.ts'
import { cleanupOverlay } from '../overlay/overlay.ts'
import { cleanupPolicies } from '../overlay/policy/enforcer.ts'
import { cleanupOwnAddresses } from '../proxy/ingress/own-addresses.ts'
import { cleanupProxy } from '../proxy/iptables/kernel.ts'
import type { CleanupOptions } from './cleanup.ts'
import { createProgress } from './progress.ts'

/** Ends the pods that an agent has left running. */
const endPods = async (stateDir: string): Promise<number> => {
  const runtime = createProcessRuntime({
    ...{ stateDir: runtimeDir(stateDir), cgroups: undefined, log: silentLogger },
    onChange: () => undefined,
    onDamage: (message) => console.error(message),
  })
  const sandboxes = await runtime.list()
  for (const { id } of sandboxes) await runtime.end(id, 'forget')
  return sandboxes.length
}

export const cleanup = async ({ state, data, cgroupParent, keepData }: CleanupOptions): Promise<void> => {
  const progress = createProgress()
  const runner = createCommandRunner()
  const pods = await progress.run('ending pods', () => endPods(state))
  await progress.run('removing rules, devices and routes', async () => {
    const { backend } = await detectBackend(runner)
    const families = existsSync('/proc/net/if_inet6') ? (['IPv4', 'IPv6'] as const) : (['IPv4'] as const)
    const netfilters = families.map((family) => createNetfilter(runner, family, backend))
    for (const netfilter of netfilters) {
      await cleanupProxy(netfilter)
      await cleanupNodeAddress(netfilter)
      await cleanupOwnAddresses(createIproute(runner), netfilter)
      await cleanupPolicies(netfilter)
    }
    await cleanupOverlay(runner, netfilters)
  })
  await removeCgroups(cgroupParent)
  await rm(state, { recursive: true, force: true })
  if (!keepData) await rm(data, { recursive: true, force: true })
  console.log(`this machine is no node any longer (${counted(pods, 'pod')} ended)`)
}
