/** The messages of the Container Runtime Interface (runtime.v1) that are used here, by the numbers that they have on the wire. */

interface Field {
  id: number
  type: string
  rule?: string
  keyType?: string
}

const field = (id: number, type: string): Field => ({ id, type })
const text = (id: number): Field => field(id, 'string')
const list = (id: number, type: string): Field => ({ id, type, rule: 'repeated' })
const texts = (id: number): Field => ({ id, type: 'string', keyType: 'string' })

const message = (fields: Record<string, Field>) => ({ fields })
const unary = (name: string) => ({ requestType: `${name}Request`, responseType: `${name}Response`, comment: '' })
const service = (...names: readonly string[]) => ({
  methods: Object.fromEntries(names.map((name) => [name, unary(name)])),
})

const nothing = message({})
const bySandbox = message({ podSandboxId: text(1) })
const byContainer = message({ containerId: text(1) })
const toUrl = message({ url: text(1) })

const services = {
  RuntimeService: service(
    ...['Version', 'RunPodSandbox', 'StopPodSandbox', 'RemovePodSandbox', 'PodSandboxStatus'],
    ...['ListPodSandbox', 'CreateContainer', 'StartContainer', 'StopContainer', 'RemoveContainer', 'ListContainers'],
    ...['ContainerStatus', 'ReopenContainerLog', 'ExecSync', 'Exec', 'Attach', 'ListContainerStats', 'Status'],
  ),
  ImageService: service('ListImages', 'ImageStatus', 'PullImage', 'RemoveImage', 'ImageFsInfo'),
}

const shared = {
  Int64Value: message({ value: field(1, 'int64') }),
  UInt64Value: message({ value: field(1, 'uint64') }),
  KeyValue: message({ key: text(1), value: text(2) }),
  ImageSpec: message({ image: text(1), annotations: texts(2), userSpecifiedImage: text(18) }),
  SecurityProfile: message({ profileType: field(1, 'ProfileType'), localhostRef: text(2) }),
  ProfileType: { values: { RuntimeDefault: 0, Unconfined: 1, Localhost: 2 } },
  NamespaceMode: { values: { POD: 0, CONTAINER: 1, NODE: 2, TARGET: 3 } },
  NamespaceOption: message({
    network: field(1, 'NamespaceMode'),
    pid: field(2, 'NamespaceMode'),
    ipc: field(3, 'NamespaceMode'),
    targetId: text(4),
  }),
  SELinuxOption: message({ user: text(1), role: text(2), type: text(3), level: text(4) }),
}

const sandboxes = {
  PodSandboxMetadata: message({ name: text(1), uid: text(2), namespace: text(3), attempt: field(4, 'uint32') }),
  LinuxSandboxSecurityContext: message({
    namespaceOptions: field(1, 'NamespaceOption'),
    privileged: field(6, 'bool'),
    seccomp: field(9, 'SecurityProfile'),
  }),
  LinuxPodSandboxConfig: message({ securityContext: field(2, 'LinuxSandboxSecurityContext'), sysctls: texts(3) }),
  PodSandboxConfig: message({
    metadata: field(1, 'PodSandboxMetadata'),
    hostname: text(2),
    logDirectory: text(3),
    labels: texts(6),
    annotations: texts(7),
    linux: field(8, 'LinuxPodSandboxConfig'),
  }),
  RunPodSandboxRequest: message({ config: field(1, 'PodSandboxConfig'), runtimeHandler: text(2) }),
  RunPodSandboxResponse: bySandbox,
  StopPodSandboxRequest: bySandbox,
  StopPodSandboxResponse: nothing,
  RemovePodSandboxRequest: bySandbox,
  RemovePodSandboxResponse: nothing,
  PodSandboxState: { values: { SANDBOX_READY: 0, SANDBOX_NOTREADY: 1 } },
  PodSandboxFilter: message({ id: text(1), labelSelector: texts(3) }),
  PodSandbox: message({
    id: text(1),
    metadata: field(2, 'PodSandboxMetadata'),
    state: field(3, 'PodSandboxState'),
    createdAt: field(4, 'int64'),
    labels: texts(5),
    annotations: texts(6),
  }),
  ListPodSandboxRequest: message({ filter: field(1, 'PodSandboxFilter') }),
  ListPodSandboxResponse: message({ items: list(1, 'PodSandbox') }),
  PodIP: message({ ip: text(1) }),
  PodSandboxNetworkStatus: message({ ip: text(1), additionalIps: list(2, 'PodIP') }),
  PodSandboxStatus: message({ id: text(1), network: field(5, 'PodSandboxNetworkStatus') }),
  PodSandboxStatusRequest: message({ podSandboxId: text(1), verbose: field(2, 'bool') }),
  PodSandboxStatusResponse: message({ status: field(1, 'PodSandboxStatus'), info: texts(2) }),
}

const containers = {
  MountPropagation: {
    values: { PROPAGATION_PRIVATE: 0, PROPAGATION_HOST_TO_CONTAINER: 1, PROPAGATION_BIDIRECTIONAL: 2 },
  },
  Mount: message({
    containerPath: text(1),
    hostPath: text(2),
    readonly: field(3, 'bool'),
    selinuxRelabel: field(4, 'bool'),
    propagation: field(5, 'MountPropagation'),
  }),
  Device: message({ containerPath: text(1), hostPath: text(2), permissions: text(3) }),
  HugepageLimit: message({ pageSize: text(1), limit: field(2, 'uint64') }),
  LinuxContainerResources: message({
    cpuPeriod: field(1, 'int64'),
    cpuQuota: field(2, 'int64'),
    cpuShares: field(3, 'int64'),
    memoryLimitInBytes: field(4, 'int64'),
    oomScoreAdj: field(5, 'int64'),
    hugepageLimits: list(8, 'HugepageLimit'),
  }),
  Capability: message({ addCapabilities: list(1, 'string'), dropCapabilities: list(2, 'string') }),
  LinuxContainerSecurityContext: message({
    capabilities: field(1, 'Capability'),
    privileged: field(2, 'bool'),
    namespaceOptions: field(3, 'NamespaceOption'),
    selinuxOptions: field(4, 'SELinuxOption'),
    runAsUser: field(5, 'Int64Value'),
    runAsUsername: text(6),
    readonlyRootfs: field(7, 'bool'),
    supplementalGroups: list(8, 'int64'),
    apparmorProfile: text(9),
    seccompProfilePath: text(10),
    noNewPrivs: field(11, 'bool'),
    runAsGroup: field(12, 'Int64Value'),
    maskedPaths: list(13, 'string'),
    readonlyPaths: list(14, 'string'),
    seccomp: field(15, 'SecurityProfile'),
    apparmor: field(16, 'SecurityProfile'),
  }),
  LinuxContainerConfig: message({
    resources: field(1, 'LinuxContainerResources'),
    securityContext: field(2, 'LinuxContainerSecurityContext'),
  }),
  ContainerMetadata: message({ name: text(1), attempt: field(2, 'uint32') }),
  ContainerConfig: message({
    metadata: field(1, 'ContainerMetadata'),
    image: field(2, 'ImageSpec'),
    command: list(3, 'string'),
    args: list(4, 'string'),
    workingDir: text(5),
    envs: list(6, 'KeyValue'),
    mounts: list(7, 'Mount'),
    devices: list(8, 'Device'),
    labels: texts(9),
    annotations: texts(10),
    logPath: text(11),
    stdin: field(12, 'bool'),
    stdinOnce: field(13, 'bool'),
    tty: field(14, 'bool'),
    linux: field(15, 'LinuxContainerConfig'),
  }),
  CreateContainerRequest: message({
    podSandboxId: text(1),
    config: field(2, 'ContainerConfig'),
    sandboxConfig: field(3, 'PodSandboxConfig'),
  }),
  CreateContainerResponse: byContainer,
  StartContainerRequest: byContainer,
  StartContainerResponse: nothing,
  StopContainerRequest: message({ containerId: text(1), timeout: field(2, 'int64') }),
  StopContainerResponse: nothing,
  RemoveContainerRequest: byContainer,
  RemoveContainerResponse: nothing,
  ReopenContainerLogRequest: byContainer,
  ReopenContainerLogResponse: nothing,
  ContainerState: {
    values: { CONTAINER_CREATED: 0, CONTAINER_RUNNING: 1, CONTAINER_EXITED: 2, CONTAINER_UNKNOWN: 3 },
  },
  ContainerFilter: message({ id: text(1), podSandboxId: text(3), labelSelector: texts(4) }),
  Container: message({
    id: text(1),
    podSandboxId: text(2),
    metadata: field(3, 'ContainerMetadata'),
    imageRef: text(5),
    state: field(6, 'ContainerState'),
    createdAt: field(7, 'int64'),
    labels: texts(8),
    annotations: texts(9),
  }),
  ListContainersRequest: message({ filter: field(1, 'ContainerFilter') }),
  ListContainersResponse: message({ containers: list(1, 'Container') }),
  ContainerStatus: message({
    id: text(1),
    state: field(3, 'ContainerState'),
    createdAt: field(4, 'int64'),
    startedAt: field(5, 'int64'),
    finishedAt: field(6, 'int64'),
    exitCode: field(7, 'int32'),
    reason: text(10),
    message: text(11),
  }),
  ContainerStatusRequest: message({ containerId: text(1), verbose: field(2, 'bool') }),
  ContainerStatusResponse: message({ status: field(1, 'ContainerStatus'), info: texts(2) }),
}

const streams = {
  ExecSyncRequest: message({ containerId: text(1), cmd: list(2, 'string'), timeout: field(3, 'int64') }),
  ExecSyncResponse: message({ stdout: field(1, 'bytes'), stderr: field(2, 'bytes'), exitCode: field(3, 'int32') }),
  ExecRequest: message({
    ...{ containerId: text(1), cmd: list(2, 'string'), tty: field(3, 'bool') },
    ...{ stdin: field(4, 'bool'), stdout: field(5, 'bool'), stderr: field(6, 'bool') },
  }),
  ExecResponse: toUrl,
  AttachRequest: message({
    ...{ containerId: text(1), stdin: field(2, 'bool'), tty: field(3, 'bool') },
    ...{ stdout: field(4, 'bool'), stderr: field(5, 'bool') },
  }),
  AttachResponse: toUrl,
}

const stats = {
  CpuUsage: message({ usageCoreNanoSeconds: field(2, 'UInt64Value') }),
  MemoryUsage: message({
    workingSetBytes: field(2, 'UInt64Value'),
    usageBytes: field(4, 'UInt64Value'),
    rssBytes: field(5, 'UInt64Value'),
    pageFaults: field(6, 'UInt64Value'),
    majorPageFaults: field(7, 'UInt64Value'),
  }),
  ContainerAttributes: message({ id: text(1) }),
  ContainerStats: message({
    attributes: field(1, 'ContainerAttributes'),
    cpu: field(2, 'CpuUsage'),
    memory: field(3, 'MemoryUsage'),
  }),
  ContainerStatsFilter: message({ labelSelector: texts(3) }),
  ListContainerStatsRequest: message({ filter: field(1, 'ContainerStatsFilter') }),
  ListContainerStatsResponse: message({ stats: list(1, 'ContainerStats') }),
}

const images = {
  Image: message({
    ...{ id: text(1), repoTags: list(2, 'string'), repoDigests: list(3, 'string'), size: field(4, 'uint64') },
    ...{ uid: field(5, 'Int64Value'), username: text(6), pinned: field(8, 'bool') },
  }),
  ListImagesRequest: nothing,
  ListImagesResponse: message({ images: list(1, 'Image') }),
  ImageStatusRequest: message({ image: field(1, 'ImageSpec'), verbose: field(2, 'bool') }),
  ImageStatusResponse: message({ image: field(1, 'Image'), info: texts(2) }),
  AuthConfig: message({
    ...{ username: text(1), password: text(2), serverAddress: text(4), identityToken: text(5), registryToken: text(6) },
  }),
  PullImageRequest: message({ image: field(1, 'ImageSpec'), auth: field(2, 'AuthConfig') }),
  PullImageResponse: message({ imageRef: text(1) }),
  RemoveImageRequest: message({ image: field(1, 'ImageSpec') }),
  RemoveImageResponse: nothing,
  FilesystemIdentifier: message({ mountpoint: text(1) }),
  FilesystemUsage: message({ fsId: field(2, 'FilesystemIdentifier') }),
  ImageFsInfoRequest: nothing,
  ImageFsInfoResponse: message({ imageFilesystems: list(1, 'FilesystemUsage') }),
}

const node = {
  VersionRequest: message({ version: text(1) }),
  VersionResponse: message({
    version: text(1),
    runtimeName: text(2),
    runtimeVersion: text(3),
    runtimeApiVersion: text(4),
  }),
  StatusRequest: message({ verbose: field(1, 'bool') }),
  StatusResponse: message({ info: texts(2) }),
}

/** In the form that protobufjs reads. */
export const criSchema = {
  nested: {
    runtime: {
      nested: {
        v1: {
          nested: { ...services, ...shared, ...sandboxes, ...containers, ...streams, ...stats, ...images, ...node },
        },
      },
    },
  },
}
