/** Signs what is approved, for no longer than the cluster allows. */

import { readSigningRequest, signRequest, validForSeconds, validityOf } from '../../../api/certificates.ts'
import { errorText } from '../../../api/errors.ts'
import { certificateSigningRequests } from '../../../api/resources.ts'
import type { CertificateSigningRequest } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import type { CreateController } from '../controller.ts'
import { decided, hasCondition } from './conditions.ts'
import { isKnownSigner, signerRefuses, usageOf } from './signer-rules.ts'

const name = 'csr-signing-controller'

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

export const createCsrSigner: CreateController = (context) => {
  const { client, informers, clock, log, settings } = context
  const copies = informers.of(certificateSigningRequests)
  const { authority, signingSeconds } = settings.certificates

  const sign = async ({ spec }: CertificateSigningRequest): Promise<string> => {
    const csr = Buffer.from(spec.request, 'base64').toString('utf8')
    const identity = await readSigningRequest(csr)
    const refused = signerRefuses(spec.signerName, identity, spec.usages)
    if (refused !== undefined) throw new Error(refused)
    const now = clock.now()
    const left = (validityOf(authority.cert).to - now) / 1000
    const seconds = Math.min(spec.expirationSeconds ?? signingSeconds, signingSeconds, left)
    return signRequest(authority, csr, identity, validForSeconds(seconds, now), usageOf(spec.signerName))
  }

  const statusOf = async (request: CertificateSigningRequest) => {
    try {
      return { certificate: base64(await sign(request)) }
    } catch (error) {
      const message = errorText(error)
      log.warn({ csr: request.metadata.name, reason: message }, 'cannot sign a certificate')
      const failed = { type: 'Failed', reason: 'SignerValidationFailure', message }
      return { conditions: decided(request, failed, clock.now()) }
    }
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const request = copies.get(key)
    if (!request || !isKnownSigner(request.spec.signerName)) return 'done'
    const isOpen = hasCondition(request, 'Approved') && !hasCondition(request, 'Denied')
    if (!isOpen || request.status?.certificate !== undefined || hasCondition(request, 'Failed')) return 'done'
    const status = { ...request.status, ...(await statusOf(request)) }
    await client.updateStatus(certificateSigningRequests, { ...request, status })
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)

  return {
    name,
    run: (signal) => {
      copies.onChange((key) => queue.add(key))
      return queue.run(signal)
    },
  }
}
