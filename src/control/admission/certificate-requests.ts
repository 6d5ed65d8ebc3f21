/** Who asks for a certificate is the server's to say; and of whom may ask for which. */
import { forbidden } from '../../api/errors.ts'
import { kubeletClientSigner, kubeletServingSigner } from '../../api/signers.ts'
import type { CertificateSigningRequest } from '../../api/types/index.ts'
import { isBootstrapper, mastersGroup, nodeOf, type User } from '../auth/user.ts'
import type { Admission } from '../objects/admission.ts'
import { certificateSigningRequest as definition } from '../resources/certificates/certificate-signing-request.ts'

/** The signers that a user may ask; undefined for any. */
const signersFor = (user: User): readonly string[] | undefined => {
  if (user.groups.includes(mastersGroup)) return undefined
  if (nodeOf(user) !== undefined) return [kubeletClientSigner, kubeletServingSigner]
  return isBootstrapper(user) ? [kubeletClientSigner] : []
}

export const certificateRequests: Admission = {
  name: 'CertificateRequests',
  admit: (review) => {
    if (review.definition !== definition || review.operation !== 'create') return review.object
    const request = review.object as CertificateSigningRequest
    const { user } = review
    const { signerName, request: csr, usages, expirationSeconds } = request.spec
    const signers = signersFor(user)
    if (signers !== undefined && !signers.includes(signerName))
      throw forbidden(
        definition,
        request.metadata.name,
        `user ${JSON.stringify(user.name)} may not ask the signer ${JSON.stringify(signerName)}, only ${signers.join(', ') || 'none'}`,
      )
    const asked = expirationSeconds === undefined ? {} : { expirationSeconds }
    const spec = { signerName, request: csr, ...(usages ? { usages } : {}), ...asked }
    const { name: username, groups, uid, extra } = user
    return {
      ...request,
      spec: { ...spec, username, groups, ...(uid === undefined ? {} : { uid }), ...(extra ? { extra } : {}) },
    }
  },
}
