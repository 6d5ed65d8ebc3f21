/** Asks the cluster for a certificate: a CertificateSigningRequest, and what becomes of it. The key never leaves. */
import { createSigningRequest, type Identity, type KeyPair } from '../../api/certificates.ts'
import type { Client } from '../../api/client.ts'
import { aborted, sleep } from '../../api/clock.ts'
import { failureText } from '../../api/failure-text.ts'
import { createInformer } from '../../api/informer.ts'
import { certificateSigningRequests } from '../../api/resources.ts'
import type { CertificateSigningRequest } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'

/** The cluster has decided against it. */
export class CertificateDenied extends Error {
  override readonly name = 'CertificateDenied'
  /** One word in CamelCase: `NodeInUse`. */
  readonly reason: string

  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

export interface CertificateRequest {
  readonly client: Client
  readonly signerName: string
  readonly usages: readonly string[]
  readonly identity: Identity
  readonly log: Logger
}

const tellAfterMs = 5_000

/** The certificate; undefined while nothing is decided. Throws `CertificateDenied`. */
const outcomeOf = ({ status }: CertificateSigningRequest): string | undefined => {
  const refused = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed')
  if (refused) throw new CertificateDenied(refused.reason ?? '', refused.message ?? 'the request was denied')
  return status?.certificate === undefined ? undefined : Buffer.from(status.certificate, 'base64').toString('utf8')
}

/** Waits for as long as nobody decides, and says so. Rejects with `CertificateDenied`, or when `signal` aborts. */
export const requestCertificate = async (request: CertificateRequest, signal: AbortSignal): Promise<KeyPair> => {
  const { client, signerName, usages, identity, log } = request
  const { csr, key } = await createSigningRequest(identity)
  const { metadata } = await client.create(certificateSigningRequests, {
    metadata: { name: '', generateName: 'csr-' },
    spec: { request: Buffer.from(csr, 'utf8').toString('base64'), signerName, usages },
  })
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const decided = Promise.withResolvers<string>()
  const informer = createInformer(client, certificateSigningRequests, {
    fieldSelector: `metadata.name=${metadata.name}`,
    onError: (error, retryInMs) =>
      log.warn({ csr: metadata.name, retryInMs }, `cannot watch certificatesigningrequests: ${failureText(error)}`),
  })
  informer.onChange((_key, current) => {
    try {
      const cert = current && outcomeOf(current)
      if (cert !== undefined) decided.resolve(cert)
    } catch (error) {
      decided.reject(error)
    }
  })
  void sleep(tellAfterMs, either).then(() => {
    if (!either.aborted)
      log.warn(`certificate not approved yet: kubectl certificate approve ${metadata.name} (signer ${signerName})`)
  })
  const gone = aborted(signal).then((): never => {
    throw new Error('stopped while waiting for a certificate')
  })
  const watching = informer.run(either)
  try {
    return { cert: await Promise.race([decided.promise, gone]), key }
  } finally {
    stop.abort()
    await watching
  }
}
