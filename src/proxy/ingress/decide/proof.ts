/** Hosts that ask clients for certificates: only who came in by that host's own TLS has shown one. */
import { plainReply } from '../http/response-text.ts'
import { patternOf } from '../policy/pattern.ts'
import type { Step } from './draft.ts'
import { redirectTo } from './redirects.ts'

export const proofStep: Step = ({ request, via, proof, clients: wanted }, draft) => {
  if (!wanted) return undefined
  if (via.scheme === 'http') {
    if (wanted.verify === 'required') return plainReply(403, 'a client certificate is needed: use HTTPS')
    // What a client of plain HTTP says of its certificate is its own invention.
    draft.dropped.push('ssl-client-subject-dn', 'ssl-client-cert')
    draft.requestFields.push(['ssl-client-verify', 'NONE'])
    return undefined
  }
  if (proof?.host !== request.host) return plainReply(421, 'this connection was made for another host')
  const isVerified = proof?.verified ?? false
  const hasCertificate = (proof?.certificate ?? '') !== ''
  const isMissing = wanted.verify === 'required' && !isVerified
  const isWrong = wanted.verify === 'optional' && hasCertificate && !isVerified
  const isStranger =
    isVerified &&
    wanted.commonName !== undefined &&
    !patternOf(wanted.commonName, 'start').test(proof?.commonName ?? '')
  if (isMissing || isWrong || isStranger)
    return wanted.errorPage
      ? redirectTo(302, wanted.errorPage)
      : plainReply(403, 'the client certificate is not accepted')
  draft.dropped.push('ssl-client-cert')
  draft.requestFields.push(
    ['ssl-client-verify', isVerified ? 'SUCCESS' : hasCertificate ? 'FAILED' : 'NONE'],
    ['ssl-client-subject-dn', proof?.subject ?? ''],
    ...(wanted.pass ? [['ssl-client-cert', encodeURIComponent(proof?.certificate ?? '')] as [string, string]] : []),
  )
  return undefined
}
