/** Asks a server how it is, by the health protocol of gRPC (grpc.health.v1), as probes do. */
import type { ServiceError } from '@grpc/grpc-js'
import { bracketed } from '../../ip/address.ts'

export interface GrpcCheck {
  readonly host: string
  readonly port: number
  /** Empty: the server as a whole. */
  readonly service: string
  readonly timeoutMs: number
}

const method = '/grpc.health.v1.Health/Check'
const maxAnswerBytes = 4096
const nameField = 0x0a
const statusField = 0x08
const statuses: readonly string[] = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

const varint = (value: number): readonly number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]

/** HealthCheckRequest: the service's name is its only field. */
export const encodeRequest = (service: string): Buffer => {
  const name = Buffer.from(service)
  return name.length === 0 ? name : Buffer.concat([Buffer.from([nameField, ...varint(name.length)]), name])
}

/** HealthCheckResponse: a status, which is missing when it is the first one. Throws for anything else. */
export const decodeAnswer = (bytes: Buffer): string => {
  const [field, value = 0] = bytes
  if (bytes.length === 0) return statuses[0] ?? ''
  if (bytes.length !== 2 || field !== statusField) throw new Error('an answer that is none of the health protocol')
  return statuses[value] ?? String(value)
}

/** The library is large, and few pods ask for it. */
const library = () => import('@grpc/grpc-js')

/** Empty when the service is well, else what is wrong with it. Never rejects for what the server does. */
export const checkGrpcHealth = async ({ host, port, service, timeoutMs }: GrpcCheck): Promise<string> => {
  const { Client, credentials, status } = await library()
  const place = `${bracketed(host)}:${port}`
  const words = (error: ServiceError): string => {
    const seconds = timeoutMs / 1000
    if (error.code === status.DEADLINE_EXCEEDED) return `timeout: health rpc did not complete within ${seconds}s`
    if (error.code === status.UNAVAILABLE)
      return `timeout: failed to connect service "${place}" within ${seconds}s: ${error.details}`
    if (error.code === status.UNIMPLEMENTED)
      return 'error: this server does not implement the grpc health protocol (grpc.health.v1.Health)'
    return `error: health rpc failed: ${error.details || error.message}`
  }
  const client = new Client(place, credentials.createInsecure(), {
    'grpc.max_receive_message_length': maxAnswerBytes,
    'grpc.enable_http_proxy': 0,
    'grpc.primary_user_agent': 'kube-probe/podway',
  })
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      const options = { deadline: Date.now() + timeoutMs }
      client.makeUnaryRequest(method, encodeRequest, decodeAnswer, service, options, (error, value) =>
        error ? reject(error) : resolve(value ?? ''),
      )
    }).catch((error: ServiceError) => ({ complaint: words(error) }))
    if (typeof answer !== 'string') return answer.complaint
    return answer === 'SERVING' ? '' : `service unhealthy (responded with "${answer}")`
  } finally {
    client.close()
  }
}
