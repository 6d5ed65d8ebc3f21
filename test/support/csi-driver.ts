/** A small CSI driver that listens on a socket: it notes what it is asked, and makes folders as it is told to. */
import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import type { Test } from 'tap'
import { csiSchema } from '../../src/agent/volumes/csi-schema.ts'
import { isJsonObject, type JsonObject } from '../../src/api/json.ts'

export interface TestDriverOptions {
  readonly socket: string
  readonly name: string
  /** csi.v1: NodeServiceCapability.RPC.Type. */
  readonly capabilities?: readonly number[]
  /** What is done beside saying yes. */
  readonly act?: (method: string, request: JsonObject) => Promise<void>
}

export interface TestDriver {
  /** `METHOD`, and what was asked. */
  readonly calls: readonly (readonly [method: string, request: JsonObject])[]
  /** From now on this method fails; undefined for none. */
  fail(method: string | undefined): void
}

type Answers = Readonly<Record<string, object>>

const serviceOf = (name: string): ServiceDefinition =>
  fromJSON(csiSchema, { longs: Number, defaults: true })[name] as ServiceDefinition

const serve = async (
  t: Test,
  socket: string,
  services: Readonly<Record<string, Answers>>,
  heard: (method: string, request: JsonObject) => Promise<void>,
) => {
  await mkdir(dirname(socket), { recursive: true })
  await rm(socket, { force: true })
  const server = new Server()
  for (const [service, answers] of Object.entries(services))
    server.addService(
      serviceOf(service),
      Object.fromEntries(
        Object.entries(answers).map(([method, answer]) => [
          method,
          ({ request }: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>) => {
            heard(method, isJsonObject(request) ? request : {}).then(
              () => done(null, answer),
              (error: unknown) => done({ code: status.INTERNAL, details: error instanceof Error ? error.message : '' }),
            )
          },
        ]),
      ),
    )
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    )
  })
  t.teardown(() => server.forceShutdown())
}

export const startCsiDriver = async (t: Test, options: TestDriverOptions): Promise<TestDriver> => {
  const { socket, name, capabilities = [], act = async () => undefined } = options
  const calls: (readonly [string, JsonObject])[] = []
  let failing: string | undefined
  const heard = async (method: string, request: JsonObject): Promise<void> => {
    calls.push([method, request])
    if (method === failing) throw new Error(`no ${method} today`)
    await act(method, request)
  }
  const node: Answers = {
    ...Object.fromEntries(
      ['NodeStageVolume', 'NodeUnstageVolume', 'NodePublishVolume', 'NodeUnpublishVolume'].map((method) => [
        method,
        {},
      ]),
    ),
    NodeGetCapabilities: { capabilities: capabilities.map((type) => ({ rpc: { type } })) },
    NodeGetInfo: { nodeId: `${name} knows it`, maxVolumesPerNode: 7, accessibleTopology: { segments: { zone: 'a' } } },
  }
  await serve(t, socket, { 'csi.v1.Identity': { GetPluginInfo: { name } }, 'csi.v1.Node': node }, heard)
  return {
    calls,
    fail: (method) => {
      failing = method
    },
  }
}

/** Tells where a driver listens, as node-driver-registrar does. */
export const startRegistrar = (
  t: Test,
  socket: string,
  info: { readonly name: string; readonly endpoint: string },
): Promise<void> =>
  serve(
    t,
    socket,
    {
      'pluginregistration.Registration': {
        GetInfo: { type: 'CSIPlugin', supportedVersions: ['1.0.0'], ...info },
        NotifyRegistrationStatus: {},
      },
    },
    async () => undefined,
  )
