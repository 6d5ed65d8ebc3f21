/** Callers with the token of a ServiceAccount, for as long as the account and what the token is bound to are there. */
import type { Clock } from '../../api/clock.ts'
import type { KubeObject, Secret } from '../../api/types/index.ts'
import type { Store } from '../storage/store.ts'
import {
  type AccountClaims,
  accountGroups,
  accountUserName,
  type Bound,
  legacyIssuer,
  type ObjectReference,
  readBoundClaims,
  readLegacyClaims,
} from './claims.ts'
import { claimedIssuer, type TokenSigner } from './signer.ts'

export interface AccountUser {
  readonly name: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

export interface KnownToken {
  readonly user: AccountUser
  /** Those of the wanted audiences that it is for. */
  readonly audiences: readonly string[]
}

export interface AccountUsersOptions {
  readonly store: Store
  readonly signer: TokenSigner
  readonly clock: Clock
  readonly issuer: string
  /** For whom a token must be to be a way into the API, unless somebody asks for others. */
  readonly audiences: readonly string[]
}

/** Whose token this is, when it is for one of the audiences: those of the API unless others are given. */
export type FindAccountUser = (token: string, audiences?: readonly string[]) => Promise<KnownToken | undefined>

/** A deleted pod may need its token until the end. */
const graceMs = 60_000

const extraNames = {
  pod: ['authentication.kubernetes.io/pod-name', 'authentication.kubernetes.io/pod-uid'],
  node: ['authentication.kubernetes.io/node-name', 'authentication.kubernetes.io/node-uid'],
} as const

const extraOf = ({ pod, node }: Bound, id: string | undefined): AccountUser['extra'] => ({
  ...(id === undefined ? {} : { 'authentication.kubernetes.io/credential-id': [`JTI=${id}`] }),
  ...(pod ? { [extraNames.pod[0]]: [pod.name], [extraNames.pod[1]]: [pod.uid] } : {}),
  ...(node ? { [extraNames.node[0]]: [node.name], [extraNames.node[1]]: [node.uid] } : {}),
})

const userOf = ({ namespace, account, bound, id }: AccountClaims): AccountUser => ({
  name: accountUserName(namespace, account.name),
  uid: account.uid,
  groups: [...accountGroups(namespace), 'system:authenticated'],
  extra: extraOf(bound, id),
})

export const createAccountUsers = ({
  store,
  signer,
  clock,
  issuer,
  audiences: own,
}: AccountUsersOptions): FindAccountUser => {
  const find = (bucket: string, name: string): KubeObject | undefined => store.get({ bucket, name })?.object

  const isLeaving = ({ metadata: { deletionTimestamp } }: KubeObject): boolean =>
    deletionTimestamp !== undefined && Date.parse(deletionTimestamp) + graceMs < clock.now()

  const isThere = (bucket: string, name: string, { uid }: ObjectReference): boolean => {
    const found = find(bucket, name)
    return found !== undefined && found.metadata.uid === uid && !isLeaving(found)
  }

  const isGood = ({ namespace, account, bound: { pod, secret, node } }: AccountClaims): boolean =>
    isThere('serviceaccounts', `${namespace}/${account.name}`, account) &&
    (!pod || isThere('pods', `${namespace}/${pod.name}`, pod)) &&
    (!secret || isThere('secrets', `${namespace}/${secret.name}`, secret)) &&
    // A pod's token goes on when the Node is registered anew; a token of the node itself does not.
    (!node || pod !== undefined || isThere('nodes', node.name, node))

  /** The Secret must still hold this very token. */
  const isKept = (token: string, namespace: string, secretName: string): boolean => {
    const secret = find('secrets', `${namespace}/${secretName}`) as Secret | undefined
    const kept = secret && !isLeaving(secret) ? secret.data?.['token'] : undefined
    return kept !== undefined && Buffer.from(kept, 'base64').toString() === token
  }

  const readClaims = async (token: string): Promise<AccountClaims | undefined> => {
    const claimed = claimedIssuer(token)
    if (claimed !== issuer && claimed !== legacyIssuer) return undefined
    const claims = await signer.verify(token)
    if (claims?.iss === issuer) return readBoundClaims(claims)
    const legacy = claims?.iss === legacyIssuer ? readLegacyClaims(claims) : undefined
    return legacy && isKept(token, legacy.namespace, legacy.secretName) ? legacy : undefined
  }

  return async (token, wanted = own) => {
    const claims = await readClaims(token)
    if (!claims) return undefined
    // A token from before there were audiences is for the API.
    const audiences = (claims.audiences ?? own).filter((audience) => wanted.includes(audience))
    if (audiences.length === 0 || !isGood(claims)) return undefined
    return { user: userOf(claims), audiences }
  }
}
