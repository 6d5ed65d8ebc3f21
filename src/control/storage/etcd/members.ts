/** The members of an etcd cluster: requests go to one that is there, another when it goes. */

import { readFileSync } from 'node:fs'
import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceDefinition,
} from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { errorText } from '../../../api/errors.ts'
import { StorageFailure } from '../backend.ts'
import { failureOf, isCompacted, isPassing, isServiceError, isTooLarge, isUndone } from './errors.ts'
import { etcdSchema, type Unary, type WatchResponse } from './schema.ts'

export interface EtcdAccess {
  /** `http://192.0.2.1:2379` or `https://…`; asked in this order. */
  readonly endpoints: readonly string[]
  /** Files in PEM, which are read again: who renews them need not tell. */
  readonly cafile?: string
  readonly certfile?: string
  readonly keyfile?: string
}

export interface MembersOptions extends EtcdAccess {
  /** How often the files are looked at. */
  readonly rereadEveryMs?: number
  /** Told of files that cannot be used. */
  readonly onProblem?: (message: string) => void
}

export interface Members {
  /**
   * Asks one member. A request that changes nothing is asked again of others; one that does only when it is certain that it
   * was not done. Rejects with `StorageFailure`, or with gRPC's own error when the revision is compacted or the request too large.
   */
  ask<Name extends keyof Unary>(name: Name, request: Unary[Name][0], isReading?: boolean): Promise<Unary[Name][1]>
  /** A stream of one member that is there. Rejects when none is. */
  watch(request: object): Promise<ClientDuplexStream<object, WatchResponse>>
  close(): void
}

const connectMs = 2_000
const askMs = 5_000
/** For so long a request that may be asked again is. */
const patienceMs = 10_000
const pauseMs = 100
const defaultRereadMs = 10_000

const definitions = fromJSON(etcdSchema, { longs: String, enums: String, defaults: true })

const methodOf = (service: string, name: string): MethodDefinition<object, object> => {
  const definition = definitions[`etcdserverpb.${service}`] as ServiceDefinition | undefined
  const method = definition?.[name]
  if (!method) throw new Error(`the schema of etcd has no ${service}.${name}`)
  return method
}

const services: Readonly<Record<keyof Unary, string>> = { Range: 'KV', Txn: 'KV', Compact: 'KV', LeaseGrant: 'Lease' }

/** A member that has lost its leader says so at once. */
const needsLeader = (): Metadata => {
  const metadata = new Metadata()
  metadata.set('hasleader', 'true')
  return metadata
}

/** Revisions come as text (they are 64 bits wide) and stay below 2^53. */
const withNumbers = (value: unknown): unknown => {
  if (Buffer.isBuffer(value) || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withNumbers)
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, /revision$/i.test(name) ? Number(inner) : withNumbers(inner)]),
  )
}

const readText = (file: string | undefined): Buffer | null => (file === undefined ? null : readFileSync(file))

const channelOptions = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 4_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.enable_retries': 0,
}

interface Member {
  readonly endpoint: string
  readonly client: Client
}

/** Whom to believe and what to show, as the files have it now; none of it without TLS. */
interface Proofs {
  readonly ca: Buffer | null
  readonly key: Buffer | null
  readonly cert: Buffer | null
}

const readProofs = ({ endpoints, cafile, keyfile, certfile }: EtcdAccess): Proofs | undefined =>
  endpoints.some((each) => each.startsWith('https:'))
    ? { ca: readText(cafile), key: readText(keyfile), cert: readText(certfile) }
    : undefined

/** Throws for a certificate that cannot be used. */
const connectTo = (endpoints: readonly string[], proofs: Proofs | undefined): readonly Member[] => {
  const secure = proofs && credentials.createSsl(proofs.ca, proofs.key, proofs.cert)
  return endpoints.map((endpoint) => {
    const { host, protocol } = new URL(endpoint)
    const way = protocol === 'https:' && secure ? secure : credentials.createInsecure()
    return { endpoint, client: new Client(host, way, channelOptions) }
  })
}

const isSame = (a: Proofs | undefined, b: Proofs | undefined): boolean =>
  (['ca', 'key', 'cert'] as const).every((part) => String(a?.[part]) === String(b?.[part]))

const closeAll = (members: readonly Member[]): void => {
  for (const { client } of members) client.close()
}

/** Throws when a certificate cannot be read. */
export const openMembers = (options: MembersOptions): Members => {
  const { endpoints, rereadEveryMs = defaultRereadMs, onProblem = () => undefined } = options
  let proofs = readProofs(options)
  let members = connectTo(endpoints, proofs)
  let current = 0
  let isClosed = false
  let told = ''

  /** What is under way goes on as it is; what comes next shows what the files have now. */
  const reread = (): void => {
    try {
      const now = readProofs(options)
      if (isSame(now, proofs)) return
      const renewed = connectTo(endpoints, now)
      closeAll(members)
      members = renewed
      proofs = now
      told = ''
    } catch (error) {
      const why = `cannot use the renewed certificates for etcd; keeping the previous ones: ${errorText(error)}`
      if (why !== told) onProblem(why)
      told = why
    }
  }
  const rereading = proofs && setInterval(reread, rereadEveryMs).unref()

  const next = (failed: number): void => {
    if (current === failed) current = (failed + 1) % members.length
  }

  const isReady = ({ client }: Member, ms: number): Promise<boolean> =>
    new Promise((resolve) => client.waitForReady(Date.now() + ms, (error) => resolve(error === undefined)))

  /** One that is connected, beginning with the one that was good last. */
  const pick = async (): Promise<{ readonly at: number; readonly member: Member }> => {
    for (let tried = 0; tried < members.length && !isClosed; tried++) {
      const at = current
      const member = members[at]
      if (member && (await isReady(member, connectMs))) return { at, member }
      next(at)
    }
    throw new StorageFailure(`no member of etcd can be reached (${endpoints.join(', ')})`, 'not made')
  }

  const send = (client: Client, method: MethodDefinition<object, object>, request: object): Promise<object> =>
    new Promise((resolve, reject) => {
      const limits: CallOptions = { deadline: Date.now() + askMs }
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        needsLeader(),
        limits,
        (error, answer) => {
          if (error) reject(error)
          else if (answer) resolve(answer)
          else reject(new Error(`${method.path} has no answer`))
        },
      )
    })

  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, pauseMs))

  return {
    ask: async <Name extends keyof Unary>(name: Name, request: Unary[Name][0], isReading = false) => {
      const method = methodOf(services[name], name)
      for (const deadline = Date.now() + patienceMs; ; await pause()) {
        const { at, member } = await pick()
        try {
          // The codec makes what the schema says.
          return withNumbers(await send(member.client, method, request)) as Unary[Name][1]
        } catch (error) {
          if (!isServiceError(error)) throw error
          const isElsewhere = isUndone(error) || (isReading && isPassing(error))
          if (isElsewhere || isPassing(error)) next(at)
          if (isElsewhere && Date.now() < deadline && !isClosed) continue
          // These two are for the caller to understand.
          throw isCompacted(error) || isTooLarge(error) ? error : failureOf(error, member.endpoint)
        }
      }
    },
    watch: async (request) => {
      const method = methodOf('Watch', 'Watch')
      const { at, member } = await pick()
      const stream = member.client.makeBidiStreamRequest(
        method.path,
        method.requestSerialize,
        // The codec makes what the schema says.
        (bytes: Buffer) => withNumbers(method.responseDeserialize(bytes)) as WatchResponse,
        needsLeader(),
      )
      // The next stream begins at another member.
      stream.once('error', () => next(at))
      stream.write(request)
      return stream
    },
    close: () => {
      isClosed = true
      clearInterval(rereading)
      closeAll(members)
    },
  }
}
