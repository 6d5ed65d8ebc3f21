/** certificates.k8s.io/v1 */
import type { ConditionStatus, KubeObject } from './meta.ts'

export interface CertificateSigningRequestCondition {
  readonly type: string
  readonly status: ConditionStatus
  readonly reason?: string
  readonly message?: string
  readonly lastUpdateTime?: string
  readonly lastTransitionTime?: string
}

export interface CertificateSigningRequest extends KubeObject {
  readonly spec: {
    /** PKCS #10, as PEM, in base64. */
    readonly request: string
    readonly signerName: string
    readonly usages?: readonly string[]
    /** How long the certificate is wanted; the signer may give less. */
    readonly expirationSeconds?: number
    /** Who asks: the server says it. */
    readonly username?: string
    readonly uid?: string
    readonly groups?: readonly string[]
  }
  readonly status?: {
    readonly conditions?: readonly CertificateSigningRequestCondition[]
    /** PEM, in base64. */
    readonly certificate?: string
  }
}
