/** Certificates as Secrets hold them. */
import { keyPairProblem } from '../annotations/pem.ts'
import type { Certificate } from './server-tls.ts'

/** A pair that TLS can serve, or what is wrong with it. */
export const readKeyPair = (
  certificate: string | undefined,
  key: string | undefined,
): Certificate | { readonly problem: string } => {
  const problem = keyPairProblem(certificate, key)
  return problem === undefined ? { certificate: certificate ?? '', key: key ?? '' } : { problem }
}
