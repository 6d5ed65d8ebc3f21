/** Who asks for certificates: nodes, and machines that are about to become nodes. Each sees its own requests only. */
import { certificateSigningRequests as resource } from '../../api/resources.ts'
import type { CertificateSigningRequest } from '../../api/types/index.ts'
import { type Authorizer, allowed, noOpinion } from '../auth/authorizer.ts'
import { isBootstrapper, nodeOf } from '../auth/user.ts'
import type { Store } from '../storage/store.ts'

const bucket = `${resource.plural}.${resource.group}`

/** Which signers may be asked is the matter of admission. */
export const createCertificateAuthorizer = (store: Store): Authorizer => ({
  authorize: ({ user, request }) => {
    if (request.kind !== 'resource' || request.group !== resource.group || request.plural !== resource.plural)
      return noOpinion
    if (request.subresource !== undefined || !(isBootstrapper(user) || nodeOf(user) !== undefined)) return noOpinion
    if (request.verb === 'create') return allowed
    if (!['get', 'list', 'watch'].includes(request.verb)) return noOpinion
    const { name } = request
    const found = name === undefined ? undefined : store.get({ bucket, name })?.object
    return (found as CertificateSigningRequest | undefined)?.spec.username === user.name ? allowed : noOpinion
  },
})
