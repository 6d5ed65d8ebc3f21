/** Types of certificates/v1, made by scripts/declare-types.ts. */

import type { ConditionStatus, ObjectMeta } from './meta-v1.ts'

export interface CertificateSigningRequest {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly spec: CertificateSigningRequestSpec
  readonly status?: CertificateSigningRequestStatus
}

export interface CertificateSigningRequestCondition {
  readonly type: string
  readonly status: ConditionStatus
  readonly reason?: string
  readonly message?: string
  readonly lastUpdateTime?: string | null
  readonly lastTransitionTime?: string | null
}

export interface CertificateSigningRequestSpec {
  /** In base64. */
  readonly request: string
  readonly signerName: string
  readonly expirationSeconds?: number
  readonly usages?: readonly string[]
  readonly username?: string
  readonly uid?: string
  readonly groups?: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

export interface CertificateSigningRequestStatus {
  readonly conditions?: readonly CertificateSigningRequestCondition[]
  /** In base64. */
  readonly certificate?: string
}
