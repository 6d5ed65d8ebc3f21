/** One call to a program that listens on a socket of the node, by gRPC. */
import type { MethodDefinition, ServiceDefinition, ServiceError } from '@grpc/grpc-js'
import { once } from '../../host/once.ts'
import { csiSchema } from './csi-schema.ts'

export type CsiService = 'csi.v1.Identity' | 'csi.v1.Node' | 'pluginregistration.Registration'

/** Rejects with `CsiError`; who takes too long has failed. */
export type CsiCall = (socket: string, service: CsiService, method: string, request: object) => Promise<unknown>

/** In the words of gRPC for Go, which people search for. */
export class CsiError extends Error {
  override readonly name = 'CsiError'
  readonly code: string

  constructor(code: string, details: string) {
    super(`rpc error: code = ${code} desc = ${details}`)
    this.code = code
  }
}

/** The kubelet's time for a call. */
const timeoutMs = 120_000
const maxAnswerBytes = 1024 * 1024

/** The libraries are large, and few nodes have drivers. */
const libraries = once(async () => {
  const [grpc, { fromJSON }] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')])
  return { grpc, definitions: fromJSON(csiSchema, { longs: Number, defaults: true }) }
})

const pascal = (code: string): string =>
  code
    .split('_')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join('')

export const callCsi: CsiCall = async (socket, service, method, request) => {
  const { grpc, definitions } = await libraries()
  const definition: MethodDefinition<object, object> | undefined = (
    definitions[service] as ServiceDefinition | undefined
  )?.[method]
  if (!definition) throw new Error(`the schema of CSI has no ${service}.${method}`)
  const client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': maxAnswerBytes,
    'grpc.enable_http_proxy': 0,
    // A socket has no host to be named.
    'grpc.default_authority': 'localhost',
  })
  try {
    return await new Promise<unknown>((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = definition
      const done = (error: ServiceError | null, answer: object | undefined): void => {
        if (error) reject(new CsiError(pascal(grpc.status[error.code] ?? 'UNKNOWN'), error.details || error.message))
        else resolve(answer)
      }
      const options = { deadline: Date.now() + timeoutMs }
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, options, done)
    })
  } finally {
    client.close()
  }
}
