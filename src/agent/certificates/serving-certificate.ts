/** The certificate that the agent's own server shows, asked of the cluster by the node itself. */
import { isUsable, type KeyPair } from '../../api/certificates.ts'
import type { Client } from '../../api/client.ts'
import { aborted, systemClock } from '../../api/clock.ts'
import { kubeletServingSigner, kubeletServingUsages } from '../../api/signers.ts'
import { nodesGroup, nodeUser } from '../../api/users.ts'
import { jsonOf, readOrSetAside } from '../../host/durable-file.ts'
import { writeFileAtomic } from '../../host/files.ts'
import type { Logger } from '../../host/log.ts'
import { renewAt, runRenewal } from './renewal.ts'
import { requestCertificate } from './request.ts'

export interface ServingCertificateOptions {
  readonly client: Client
  readonly nodeName: string
  readonly addresses: readonly string[]
  /** Of the cluster. */
  readonly ca: string
  /** Where it is kept for the next start. */
  readonly file: string
  readonly log: Logger
}

export interface ServingCertificate {
  /** Resolves with the one to begin with. */
  readonly first: Promise<KeyPair>
  /** Called with every later one. */
  onRenewed(handler: (pair: KeyPair) => void): void
  /** Gets it as soon as the node is registered, and renews it until `signal` aborts. */
  run(signal: AbortSignal, registered: Promise<unknown>): Promise<void>
}

const isPair = (value: unknown): value is KeyPair =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<KeyPair>).cert === 'string' &&
  typeof (value as Partial<KeyPair>).key === 'string'

export const createServingCertificate = (options: ServingCertificateOptions): ServingCertificate => {
  const { client, nodeName, addresses, ca, file, log } = options
  const identity = { commonName: nodeUser(nodeName), organizations: [nodesGroup], dnsNames: [nodeName], addresses }
  const first = Promise.withResolvers<KeyPair>()
  const handlers: ((pair: KeyPair) => void)[] = []
  let current: KeyPair | undefined

  const kept = async (): Promise<KeyPair | undefined> => {
    const pair = await readOrSetAside(file, jsonOf('a certificate and its key', isPair), (message) => log.warn(message))
    const now = systemClock.now()
    return pair && isUsable(pair.cert, identity, ca, now, 'server', 0) && renewAt(pair.cert, 1) > now ? pair : undefined
  }

  const get = async (signal: AbortSignal): Promise<KeyPair> => {
    const usages = kubeletServingUsages
    const pair = await requestCertificate({ client, signerName: kubeletServingSigner, usages, identity, log }, signal)
    await writeFileAtomic(file, JSON.stringify(pair))
    return pair
  }

  return {
    first: first.promise,
    onRenewed: (handler) => void handlers.push(handler),
    run: async (signal, registered) => {
      current = await kept()
      if (current) first.resolve(current)
      await runRenewal(
        {
          clock: systemClock,
          random: Math.random,
          current: () => current?.cert,
          renew: async () => {
            await Promise.race([registered, aborted(signal)])
            if (signal.aborted) return
            current = await get(signal)
            first.resolve(current)
            for (const handler of handlers) handler(current)
          },
          onError: (error, retryInMs) => log.warn({ err: error, retryInMs }, 'cannot get a serving certificate'),
        },
        signal,
      )
    },
  }
}
