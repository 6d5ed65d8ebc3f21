/** What every check of the Pod Security Standards is. */
import type { PodSecurityView } from './pod-view.ts'

/** Why a pod does not pass, in the words of Kubernetes. */
export interface Violation {
  readonly reason: string
  readonly detail: string
}

export interface Check {
  readonly id: string
  /** The first minor version of Kubernetes that has it. */
  readonly since: number
  /** Of the baseline, those that this one takes the place of. */
  readonly replaces?: string
  /** `minor`: the version of the standard. */
  readonly check: (pod: PodSecurityView, minor: number) => Violation | undefined
}
