/** Sandboxes with the pod's network behind them: who starts one gets its addresses. */
import type { StringMap } from '../../api/types/index.ts'
import type { Sandboxes, SandboxRecord } from '../runtime/sandboxes.ts'
import type { PodNetwork } from './pod-network.ts'

export interface PodSandboxesOptions {
  readonly sandboxes: Sandboxes
  readonly network: Pick<PodNetwork, 'attach' | 'detach'>
  /** What a pod on the host network has. */
  readonly hostIPs: readonly string[]
}

/** Records have `addresses` while the pod is on the network, also when its sandbox has died meanwhile. */
export interface PodSandboxes extends Sandboxes {
  /** Puts one on the network that an earlier agent has started, and may have put there; it then has its addresses. */
  connect(sandbox: SandboxRecord, annotations: StringMap): Promise<SandboxRecord>
}

/** A runtime that connects pods by itself is left to do so; any other is given what `network` attaches. */
export const createPodSandboxes = ({ sandboxes, network, hostIPs }: PodSandboxesOptions): PodSandboxes => {
  const attached = new Map<string, readonly string[]>()

  const shown = (sandbox: SandboxRecord): SandboxRecord => {
    const addresses = sandbox.addresses ?? attached.get(sandbox.id)
    return addresses ? { ...sandbox, addresses } : sandbox
  }

  const connect = async (sandbox: SandboxRecord, annotations: StringMap): Promise<SandboxRecord> => {
    if (sandbox.addresses) return sandbox
    const { id, namespace, name, pid, hostNetwork } = sandbox
    attached.set(id, hostNetwork ? hostIPs : await network.attach({ id, namespace, name, pid, annotations }))
    return shown(sandbox)
  }

  return {
    list: async () => (await sandboxes.list()).map(shown),
    start: async (spec) => connect(await sandboxes.start(spec), spec.annotations ?? {}),
    connect,
    end: async (id, records) => {
      await sandboxes.end(id, records)
      await network.detach(id)
      attached.delete(id)
    },
  }
}
