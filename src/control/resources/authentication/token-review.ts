import type { KubeObject } from '../../../api/types/index.ts'
import { nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { subdomainName } from '../names.ts'

export interface UserInfo {
  readonly username?: string
  readonly uid?: string
  readonly groups?: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

export interface TokenReview extends KubeObject {
  readonly spec: { readonly token?: string; readonly audiences?: readonly string[] }
  readonly status?: {
    readonly authenticated?: boolean
    readonly user: UserInfo
    readonly audiences?: readonly string[]
    readonly error?: string
  }
}

/** A question that is answered, and kept nowhere. */
export const tokenReview = define<TokenReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'tokenreviews',
  singular: 'tokenreview',
  kind: 'TokenReview',
  namespaced: false,
  verbs: ['create'],
  nameRule: subdomainName,
  columns: [nameColumn],
})
