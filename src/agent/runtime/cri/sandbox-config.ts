/** From a pod's sandbox to what a runtime is told of it. Pure. */
import type { SandboxSpec } from '../sandboxes.ts'
import type { NamespaceOption, PodSandboxConfig } from './messages.ts'
import { podLabels, sandboxAnnotations } from './records.ts'

export const namespacesOf = ({
  hostNetwork,
  hostPID,
  hostIPC,
  shareProcessNamespace,
}: SandboxSpec): NamespaceOption => ({
  network: hostNetwork ? 'NODE' : 'POD',
  pid: hostPID ? 'NODE' : shareProcessNamespace ? 'POD' : 'CONTAINER',
  ipc: hostIPC ? 'NODE' : 'POD',
})

/** `attempt`: how many sandboxes of this pod there have been. Names and resolvers are files of ours, mounted as any other. */
export const sandboxConfig = (
  node: string,
  spec: SandboxSpec,
  attempt: number,
  logDirectory: string,
): PodSandboxConfig => ({
  metadata: { name: spec.name, uid: spec.id, namespace: spec.namespace, attempt },
  // A pod has the host name of its node where it has its network.
  hostname: spec.hostNetwork ? '' : spec.hostname,
  logDirectory,
  labels: podLabels(node, spec),
  annotations: sandboxAnnotations(spec),
  linux: {
    securityContext: {
      namespaceOptions: namespacesOf(spec),
      privileged: spec.privileged ?? false,
      seccomp: { profileType: 'RuntimeDefault' },
    },
    sysctls: spec.sysctls ?? {},
  },
})
