/** What we say to CSI drivers (csi.v1), and how they tell of themselves (pluginregistration.v1), as protobuf: only what is used of it. */

interface Field {
  type: string
  id: number
  rule?: string
  keyType?: string
}

const message = (fields: Record<string, Field>, oneof: string[] = []) => {
  const oneofs: Record<string, { oneof: string[] }> = oneof.length > 0 ? { choice: { oneof } } : {}
  return { fields, oneofs }
}
const text = (id: number) => ({ type: 'string', id })
const texts = (id: number) => ({ keyType: 'string', type: 'string', id })
const unary = (requestType: string, responseType: string) => ({ requestType, responseType, comment: '' })

const volume = {
  BlockVolume: message({}),
  MountVolume: message({ fsType: text(1), mountFlags: { rule: 'repeated', ...text(2) }, volumeMountGroup: text(3) }),
  AccessMode: message({ mode: { type: 'int32', id: 1 } }),
  VolumeCapability: message(
    {
      block: { type: 'BlockVolume', id: 1 },
      mount: { type: 'MountVolume', id: 2 },
      accessMode: { type: 'AccessMode', id: 3 },
    },
    ['block', 'mount'],
  ),
}

const node = {
  NodeStageVolumeRequest: message({
    ...{ volumeId: text(1), publishContext: texts(2), stagingTargetPath: text(3) },
    ...{ volumeCapability: { type: 'VolumeCapability', id: 4 }, secrets: texts(5), volumeContext: texts(6) },
  }),
  NodeUnstageVolumeRequest: message({ volumeId: text(1), stagingTargetPath: text(2) }),
  NodePublishVolumeRequest: message({
    ...{ volumeId: text(1), publishContext: texts(2), stagingTargetPath: text(3), targetPath: text(4) },
    ...{ volumeCapability: { type: 'VolumeCapability', id: 5 }, readonly: { type: 'bool', id: 6 } },
    ...{ secrets: texts(7), volumeContext: texts(8) },
  }),
  NodeUnpublishVolumeRequest: message({ volumeId: text(1), targetPath: text(2) }),
  NodeServiceRpc: message({ type: { type: 'int32', id: 1 } }),
  NodeServiceCapability: message({ rpc: { type: 'NodeServiceRpc', id: 1 } }),
  NodeGetCapabilitiesResponse: message({
    capabilities: { rule: 'repeated', type: 'NodeServiceCapability', id: 1 },
  }),
  Topology: message({ segments: texts(1) }),
  NodeGetInfoResponse: message({
    ...{ nodeId: text(1), maxVolumesPerNode: { type: 'int64', id: 2 } },
    accessibleTopology: { type: 'Topology', id: 3 },
  }),
}

export const csiSchema = {
  nested: {
    csi: {
      nested: {
        v1: {
          nested: {
            ...{ Empty: message({}), GetPluginInfoResponse: message({ name: text(1) }) },
            ...volume,
            ...node,
            Identity: { methods: { GetPluginInfo: unary('Empty', 'GetPluginInfoResponse') } },
            Node: {
              methods: {
                NodeStageVolume: unary('NodeStageVolumeRequest', 'Empty'),
                NodeUnstageVolume: unary('NodeUnstageVolumeRequest', 'Empty'),
                NodePublishVolume: unary('NodePublishVolumeRequest', 'Empty'),
                NodeUnpublishVolume: unary('NodeUnpublishVolumeRequest', 'Empty'),
                NodeGetCapabilities: unary('Empty', 'NodeGetCapabilitiesResponse'),
                NodeGetInfo: unary('Empty', 'NodeGetInfoResponse'),
              },
            },
          },
        },
      },
    },
    pluginregistration: {
      nested: {
        InfoRequest: message({}),
        PluginInfo: message({
          ...{ type: text(1), name: text(2), endpoint: text(3) },
          supportedVersions: { rule: 'repeated', ...text(4) },
        }),
        RegistrationStatus: message({ pluginRegistered: { type: 'bool', id: 1 }, error: text(2) }),
        RegistrationStatusResponse: message({}),
        Registration: {
          methods: {
            GetInfo: unary('InfoRequest', 'PluginInfo'),
            NotifyRegistrationStatus: unary('RegistrationStatus', 'RegistrationStatusResponse'),
          },
        },
      },
    },
  },
}
