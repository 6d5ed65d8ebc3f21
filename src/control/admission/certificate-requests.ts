/** Certificate requests: who asks is the server's to say, and each signer's requests are decided by those who may. */
import { deepEqual } from '../../api/deep-equal.ts'
import { forbidden } from '../../api/errors.ts'
import { kubeletClientSigner, kubeletServingSigner } from '../../api/signers.ts'
import type { CertificateSigningRequest } from '../../api/types/index.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import { isBootstrapper, nodeOf, type User } from '../auth/user.ts'
import type { Admission, Review } from '../objects/admission.ts'
import { certificateSigningRequest as definition } from '../resources/certificates/certificate-signing-request.ts'

/** The signers that a user may ask; undefined for any, as somebody decides in the end. */
const signersFor = (user: User): readonly string[] | undefined => {
  if (nodeOf(user) !== undefined) return [kubeletClientSigner, kubeletServingSigner]
  return isBootstrapper(user) ? [kubeletClientSigner] : undefined
}

const withAuthor = (request: CertificateSigningRequest, user: User): CertificateSigningRequest => {
  const { signerName, request: csr, usages, expirationSeconds } = request.spec
  const signers = signersFor(user)
  if (signers !== undefined && !signers.includes(signerName))
    throw forbidden(
      definition,
      request.metadata.name,
      `user ${JSON.stringify(user.name)} may not ask the signer ${JSON.stringify(signerName)}, only ${signers.join(', ')}`,
    )
  const asked = expirationSeconds === undefined ? {} : { expirationSeconds }
  const spec = { signerName, request: csr, ...(usages ? { usages } : {}), ...asked }
  const { name: username, groups, uid, extra } = user
  return {
    ...request,
    spec: { ...spec, username, groups, ...(uid === undefined ? {} : { uid }), ...(extra ? { extra } : {}) },
  }
}

const isDecision = ({ type }: { readonly type: string }): boolean => type === 'Approved' || type === 'Denied'

const conditionsOf = ({ status }: CertificateSigningRequest) => status?.conditions ?? []

/** What a change takes: to decide a request, or to sign it (or to say that it was not). */
const verbsOf = (now: CertificateSigningRequest, old: CertificateSigningRequest): readonly ('approve' | 'sign')[] => {
  const differs = (isOurs: (condition: { readonly type: string }) => boolean): boolean =>
    !deepEqual(conditionsOf(now).filter(isOurs), conditionsOf(old).filter(isOurs))
  const isSigned = now.status?.certificate !== old.status?.certificate || differs((each) => !isDecision(each))
  return [...(differs(isDecision) ? (['approve'] as const) : []), ...(isSigned ? (['sign'] as const) : [])]
}

export const certificateRequests = (authorizer: Authorizer): Admission => {
  /** One signer, or all of its domain. */
  const may = async (user: User, verb: string, signerName: string): Promise<boolean> => {
    for (const name of [signerName, `${signerName.split('/')[0]}/*`]) {
      const signers = { group: definition.group, version: '*', plural: 'signers', subresource: undefined }
      const request = { kind: 'resource', verb, ...signers, namespace: undefined, name } as const
      if ((await authorizer.authorize({ user, request, labelSelector: '' })).decision === 'allow') return true
    }
    return false
  }

  const checkChange = async ({ object, old, user }: Review): Promise<void> => {
    const [now, before] = [object as CertificateSigningRequest, old as CertificateSigningRequest]
    const { signerName } = before.spec
    for (const verb of verbsOf(now, before))
      if (!(await may(user, verb, signerName)))
        throw forbidden(
          definition,
          object.metadata.name,
          `user not permitted to ${verb} requests with signerName ${JSON.stringify(signerName)}`,
        )
  }

  return {
    name: 'CertificateRequests',
    admit: async (review) => {
      if (review.definition !== definition) return review.object
      if (review.operation === 'create') return withAuthor(review.object as CertificateSigningRequest, review.user)
      await checkChange(review)
      return review.object
    },
  }
}
