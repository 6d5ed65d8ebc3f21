/** Types of authentication/v1, made by scripts/declare-types.ts. */

import type { ObjectMeta } from './meta-v1.ts'

export interface SelfSubjectReview {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly status: SelfSubjectReviewStatus
}

export interface SelfSubjectReviewStatus {
  readonly userInfo: UserInfo
}

export interface UserInfo {
  readonly username?: string
  readonly uid?: string
  readonly groups?: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}
