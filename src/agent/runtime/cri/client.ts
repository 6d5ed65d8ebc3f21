/** Asks a container runtime by CRI: gRPC on a unix socket. */
import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { CriError, isUnimplemented } from './errors.ts'
import type { Calls, VersionResponse } from './messages.ts'
import { criSchema } from './schema.ts'

export type Api = 'v1' | 'v1alpha2'

export interface AskOptions {
  readonly timeoutMs?: number
  /** Gives the call up: the runtime may go on with it. */
  readonly signal?: AbortSignal
}

export interface CriClient {
  /** Rejects with `CriError`, whose message names socket and method. */
  ask<Name extends keyof Calls>(name: Name, request: Calls[Name][0], options?: AskOptions): Promise<Calls[Name][1]>
  close(): void
}

/** For calls that look at something; those that do something may take longer. */
const usualAskMs = 10_000

const definitions = fromJSON(criSchema, { longs: String, enums: String, defaults: true })

const methodsOf = (service: string): readonly (readonly [string, MethodDefinition<object, object>])[] =>
  // The codec is told of services by name alone.
  Object.entries((definitions[`runtime.v1.${service}`] ?? {}) as ServiceDefinition)

const methods: ReadonlyMap<string, MethodDefinition<object, object>> = new Map(
  ['RuntimeService', 'ImageService'].flatMap(methodsOf),
)

const methodOf = (name: string): MethodDefinition<object, object> => {
  const found = methods.get(name)
  if (!found) throw new Error(`the schema of CRI has no ${name}`)
  return found
}

const channelOptions = {
  // A node full of pods with long annotations.
  'grpc.max_receive_message_length': 256 * 1024 * 1024,
  'grpc.max_send_message_length': 16 * 1024 * 1024,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.default_authority': 'localhost',
  'grpc.primary_user_agent': 'podway',
}

/** Nothing is asked yet. `askMs`: for so long whoever says nothing else waits for an answer. */
export const createCriClient = (socket: string, api: Api, askMs = usualAskMs): CriClient => {
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), channelOptions)
  return {
    ask: <Name extends keyof Calls>(
      name: Name,
      request: Calls[Name][0],
      { timeoutMs = askMs, signal }: AskOptions = {},
    ): Promise<Calls[Name][1]> => {
      const { path, requestSerialize, responseDeserialize } = methodOf(name)
      return new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const call = client.makeUnaryRequest(
          path.replace('runtime.v1.', `runtime.${api}.`),
          requestSerialize,
          responseDeserialize,
          request,
          new Metadata(),
          { deadline: Date.now() + timeoutMs },
          (error: ServiceError | null, answer) => {
            signal?.removeEventListener('abort', giveUp)
            if (error) reject(new CriError(name, socket, error))
            // The codec makes what the schema says.
            else resolve(answer as Calls[Name][1])
          },
        )
        const giveUp = (): void => call.cancel()
        signal?.addEventListener('abort', giveUp, { once: true })
      })
    },
    close: () => client.close(),
  }
}

export interface OpenedCri {
  readonly client: CriClient
  readonly api: Api
  readonly version: VersionResponse
}

/** Finds out which version of CRI is spoken there. Rejects when nobody answers. */
export const openCri = async (socket: string, options: AskOptions = {}): Promise<OpenedCri> => {
  const open = async (api: Api): Promise<OpenedCri> => {
    const client = createCriClient(socket, api)
    try {
      return { client, api, version: await client.ask('Version', {}, options) }
    } catch (error) {
      client.close()
      throw error
    }
  }
  try {
    return await open('v1')
  } catch (error) {
    if (!isUnimplemented(error)) throw error
    return open('v1alpha2')
  }
}
