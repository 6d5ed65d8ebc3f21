/** Types of authentication/v1, made by scripts/declare-types.ts. */
import type { KubeObject } from '../meta.ts'

export interface SelfSubjectReview extends KubeObject {
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
