/** What is asked of a runtime by CRI, and what it answers: 64-bit numbers are text, what is missing is null or empty. */
import type { StringMap } from '../../../api/types/index.ts'

export type NamespaceMode = 'POD' | 'CONTAINER' | 'NODE' | 'TARGET'

export interface NamespaceOption {
  readonly network: NamespaceMode
  readonly pid: NamespaceMode
  readonly ipc: NamespaceMode
  /** With TARGET: the container whose namespace it is. */
  readonly targetId?: string
}

export interface SecurityProfile {
  readonly profileType: 'RuntimeDefault' | 'Unconfined' | 'Localhost'
  readonly localhostRef?: string
}

export interface SandboxMetadata {
  readonly name: string
  readonly uid: string
  readonly namespace: string
  readonly attempt: number
}

export interface PodSandboxConfig {
  readonly metadata: SandboxMetadata
  readonly hostname: string
  readonly logDirectory: string
  readonly labels: StringMap
  readonly annotations: StringMap
  readonly linux: {
    readonly securityContext: {
      readonly namespaceOptions: NamespaceOption
      readonly privileged: boolean
      readonly seccomp: SecurityProfile
    }
    readonly sysctls: StringMap
  }
}

export interface PodSandbox {
  readonly id: string
  readonly metadata: SandboxMetadata | null
  readonly state: 'SANDBOX_READY' | 'SANDBOX_NOTREADY'
  readonly createdAt: string
  readonly labels: StringMap
  readonly annotations: StringMap
}

export interface PodSandboxStatus {
  readonly network: { readonly ip: string; readonly additionalIps: readonly { readonly ip: string }[] } | null
}

export interface CriMount {
  readonly containerPath: string
  readonly hostPath: string
  readonly readonly: boolean
  readonly propagation: 'PROPAGATION_PRIVATE' | 'PROPAGATION_HOST_TO_CONTAINER' | 'PROPAGATION_BIDIRECTIONAL'
}

export interface CriDevice {
  readonly containerPath: string
  readonly hostPath: string
  readonly permissions: string
}

export interface ContainerResources {
  readonly cpuPeriod?: number
  readonly cpuQuota?: number
  readonly cpuShares: number
  readonly memoryLimitInBytes?: number
  readonly oomScoreAdj?: number
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[]
}

export interface SecurityContext {
  readonly capabilities?: { readonly addCapabilities: readonly string[]; readonly dropCapabilities: readonly string[] }
  readonly privileged: boolean
  readonly namespaceOptions: NamespaceOption
  readonly selinuxOptions?: {
    readonly user: string
    readonly role: string
    readonly type: string
    readonly level: string
  }
  readonly runAsUser?: { readonly value: number }
  readonly runAsGroup?: { readonly value: number }
  readonly runAsUsername?: string
  readonly readonlyRootfs: boolean
  readonly supplementalGroups: readonly number[]
  readonly noNewPrivs: boolean
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
  readonly seccomp?: SecurityProfile
  readonly seccompProfilePath?: string
  readonly apparmor?: SecurityProfile
  readonly apparmorProfile?: string
}

export interface ContainerConfig {
  readonly metadata: { readonly name: string; readonly attempt: number }
  readonly image: { readonly image: string; readonly userSpecifiedImage: string }
  readonly command: readonly string[]
  readonly workingDir: string
  readonly envs: readonly { readonly key: string; readonly value: string }[]
  readonly mounts: readonly CriMount[]
  readonly devices: readonly CriDevice[]
  readonly labels: StringMap
  readonly annotations: StringMap
  readonly logPath: string
  readonly stdin: boolean
  readonly stdinOnce: boolean
  readonly tty: boolean
  readonly linux: { readonly resources: ContainerResources; readonly securityContext: SecurityContext }
}

export type CriContainerState = 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN'

export interface CriContainer {
  readonly id: string
  readonly podSandboxId: string
  readonly metadata: { readonly name: string; readonly attempt: number } | null
  readonly imageRef: string
  readonly state: CriContainerState
  readonly createdAt: string
  readonly labels: StringMap
  readonly annotations: StringMap
}

/** Times are in nanoseconds since 1970. */
export interface ContainerStatus {
  readonly id: string
  readonly state: CriContainerState
  readonly createdAt: string
  readonly startedAt: string
  readonly finishedAt: string
  readonly exitCode: number
  readonly reason: string
  readonly message: string
}

type Count = { readonly value: string } | null

export interface ContainerStats {
  readonly attributes: { readonly id: string } | null
  readonly cpu: { readonly usageCoreNanoSeconds: Count } | null
  readonly memory: {
    readonly workingSetBytes: Count
    readonly usageBytes: Count
    readonly rssBytes: Count
    readonly pageFaults: Count
    readonly majorPageFaults: Count
  } | null
}

export interface CriImage {
  readonly id: string
  readonly repoTags: readonly string[]
  readonly repoDigests: readonly string[]
  readonly size: string
  readonly uid: { readonly value: string } | null
  readonly username: string
  /** Whoever configures the runtime wants it to stay. */
  readonly pinned: boolean
}

export interface AuthConfig {
  readonly username?: string
  readonly password?: string
  readonly serverAddress?: string
  readonly identityToken?: string
  readonly registryToken?: string
}

export interface VersionResponse {
  readonly runtimeName: string
  readonly runtimeVersion: string
}

type Nothing = Readonly<Record<string, never>>
interface BySandbox {
  readonly podSandboxId: string
}
interface ByContainer {
  readonly containerId: string
}
interface Selected {
  readonly filter: { readonly labelSelector: StringMap }
}
interface Talk extends ByContainer {
  readonly tty: boolean
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
}
interface ToUrl {
  readonly url: string
}
interface ByImage {
  readonly image: { readonly image: string }
}

/** By method: what it is asked, and what it answers. */
export interface Calls {
  readonly Version: readonly [Nothing, VersionResponse]
  readonly RunPodSandbox: readonly [{ readonly config: PodSandboxConfig; readonly runtimeHandler: string }, BySandbox]
  readonly StopPodSandbox: readonly [BySandbox, Nothing]
  readonly RemovePodSandbox: readonly [BySandbox, Nothing]
  readonly PodSandboxStatus: readonly [
    BySandbox & { readonly verbose: boolean },
    { readonly status: PodSandboxStatus | null; readonly info: StringMap },
  ]
  readonly ListPodSandbox: readonly [Selected, { readonly items: readonly PodSandbox[] }]
  readonly CreateContainer: readonly [
    BySandbox & { readonly config: ContainerConfig; readonly sandboxConfig: PodSandboxConfig },
    ByContainer,
  ]
  readonly StartContainer: readonly [ByContainer, Nothing]
  readonly StopContainer: readonly [ByContainer & { readonly timeout: number }, Nothing]
  readonly RemoveContainer: readonly [ByContainer, Nothing]
  readonly ListContainers: readonly [Selected, { readonly containers: readonly CriContainer[] }]
  readonly ContainerStatus: readonly [
    ByContainer & { readonly verbose: boolean },
    { readonly status: ContainerStatus | null; readonly info: StringMap },
  ]
  readonly ReopenContainerLog: readonly [ByContainer, Nothing]
  readonly ExecSync: readonly [
    ByContainer & { readonly cmd: readonly string[]; readonly timeout: number },
    { readonly stdout: Buffer; readonly stderr: Buffer; readonly exitCode: number },
  ]
  readonly Exec: readonly [Talk & { readonly cmd: readonly string[] }, ToUrl]
  readonly Attach: readonly [Talk, ToUrl]
  readonly ListContainerStats: readonly [Selected, { readonly stats: readonly ContainerStats[] }]
  readonly ListImages: readonly [Nothing, { readonly images: readonly CriImage[] }]
  readonly ImageStatus: readonly [
    ByImage & { readonly verbose: boolean },
    { readonly image: CriImage | null; readonly info: StringMap },
  ]
  readonly PullImage: readonly [ByImage & { readonly auth?: AuthConfig }, { readonly imageRef: string }]
  readonly RemoveImage: readonly [ByImage, Nothing]
  readonly ImageFsInfo: readonly [
    Nothing,
    { readonly imageFilesystems: readonly { readonly fsId: { readonly mountpoint: string } | null }[] },
  ]
  readonly Status: readonly [{ readonly verbose: boolean }, { readonly info: StringMap }]
}
