/** Pods and what is found of them, for tables. */

import { restartsLabel } from '../../../../src/agent/pods/back-off.ts'
import { graceLabel } from '../../../../src/agent/pods/plan.ts'
import { lifeLabel, type PodView } from '../../../../src/agent/pods/view.ts'
import type { ContainerRecord } from '../../../../src/agent/runtime/containers.ts'
import { containerId } from '../../../../src/agent/runtime/ids.ts'
import type { SandboxRecord } from '../../../../src/agent/runtime/sandboxes.ts'
import type { ObjectMeta, Pod, PodSpec, PodStatus } from '../../../../src/api/types/index.ts'

/** A pod `default/web` with one container `main`. */
export const pod = (spec: Partial<PodSpec> = {}, status: PodStatus = {}, metadata: Partial<ObjectMeta> = {}): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name: 'web', namespace: 'default', uid: 'u1', ...metadata },
  spec: { containers: [{ name: 'main', image: 'podway/echo' }], nodeName: 'node-a', ...spec },
  status,
})

/** What a table says of an instance: `code` is missing for one that runs. */
export interface Found {
  readonly name: string
  readonly attempt?: number
  readonly code?: number
  readonly from?: number
  readonly to?: number
  readonly restarts?: number
  readonly life?: number
  readonly startError?: string
  readonly oomKilled?: boolean
}

const record = ({
  name,
  attempt = 0,
  code,
  from = 0,
  to = 0,
  restarts = 0,
  life = 1,
  ...more
}: Found): ContainerRecord => ({
  ...{ id: containerId('u1', name, attempt), name, attempt, logFile: `/logs/${name}`, startedAt: from },
  labels: { [restartsLabel]: String(restarts), [lifeLabel]: String(life) },
  ...(code === undefined
    ? {}
    : {
        exit: {
          ...{ code, finishedAt: to, oomKilled: more.oomKilled ?? false },
          ...(more.startError === undefined ? {} : { startError: more.startError }),
        },
      }),
})

/** The sandbox of `pod()`, in its first life. */
export const sandbox = (containers: readonly Found[] = [], more: Partial<SandboxRecord> = {}): SandboxRecord => ({
  ...{ id: 'u1', namespace: 'default', name: 'web', runtime: 'process', hostNetwork: false, running: true, pid: 42 },
  labels: { [lifeLabel]: '1', [graceLabel]: '30000' },
  containers: containers.map(record),
  ...(more.running === false ? {} : { addresses: ['10.244.0.2'] }),
  ...more,
})

/** The same before it is on the network. */
export const unconnected = ({ addresses: _, ...sandbox }: SandboxRecord): SandboxRecord => sandbox

/** A view of a pod that has its network, whose probes are content. */
export const view = (more: Partial<PodView> = {}): PodView => ({
  ...{ pod: pod(), sandbox: undefined, runtime: 'process', hostIPs: ['192.0.2.1'], unsupported: [] },
  unsupportedOf: new Map(),
  ...{ failures: new Map(), images: new Map(), lastAddresses: more.sandbox?.addresses },
  probe: () => ({ started: true, ready: true }),
  postStart: () => 'none',
  ...more,
})
