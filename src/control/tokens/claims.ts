/** What the tokens of ServiceAccounts claim, written and read. Pure. */
import { isJsonObject } from '../../api/json.ts'
import type { Claims } from './signer.ts'

/** An object as a token knows it: another one of the same name has another uid. */
export interface ObjectReference {
  readonly name: string
  readonly uid: string
}

/** The token is good for as long as this object is there. */
export interface Bound {
  readonly pod?: ObjectReference
  readonly secret?: ObjectReference
  readonly node?: ObjectReference
}

export interface AccountClaims {
  readonly namespace: string
  readonly account: ObjectReference
  readonly bound: Bound
  /** Undefined for tokens that stand in a Secret, from before there were audiences. */
  readonly audiences: readonly string[] | undefined
  /** Of this one token. */
  readonly id: string | undefined
}

/** Of the tokens in Secrets. */
export const legacyIssuer = 'kubernetes/serviceaccount'
const legacy = (field: string): string => `kubernetes.io/serviceaccount/${field}`

export const accountUserName = (namespace: string, name: string): string => `system:serviceaccount:${namespace}:${name}`

/** Those that every ServiceAccount of a namespace is in. */
export const accountGroups = (namespace: string): readonly string[] => [
  'system:serviceaccounts',
  `system:serviceaccounts:${namespace}`,
]

export interface TokenTimes {
  /** Milliseconds since 1970. */
  readonly now: number
  readonly seconds: number
}

export const boundClaims = (
  issuer: string,
  { namespace, account, bound, audiences = [], id }: AccountClaims,
  { now, seconds }: TokenTimes,
): Claims => {
  const issued = Math.floor(now / 1000)
  return {
    aud: [...audiences],
    exp: issued + seconds,
    iat: issued,
    iss: issuer,
    ...(id === undefined ? {} : { jti: id }),
    'kubernetes.io': { namespace, ...bound, serviceaccount: account },
    nbf: issued,
    sub: accountUserName(namespace, account.name),
  }
}

/** Of a token that stands in the Secret `secret`: it never ends. */
export const legacyClaims = (namespace: string, account: ObjectReference, secret: string): Claims => ({
  iss: legacyIssuer,
  [legacy('namespace')]: namespace,
  [legacy('secret.name')]: secret,
  [legacy('service-account.name')]: account.name,
  [legacy('service-account.uid')]: account.uid,
  sub: accountUserName(namespace, account.name),
})

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const referenceOf = (value: unknown): ObjectReference | undefined => {
  if (!isJsonObject(value)) return undefined
  const [name, uid] = [text(value['name']), text(value['uid'])]
  return name === '' || uid === '' ? undefined : { name, uid }
}

const boundOf = (claims: Readonly<Record<string, unknown>>): Bound | undefined => {
  const found: Record<string, ObjectReference> = {}
  for (const kind of ['pod', 'secret', 'node'] as const) {
    if (claims[kind] === undefined) continue
    const reference = referenceOf(claims[kind])
    if (!reference) return undefined
    found[kind] = reference
  }
  return found
}

/** Undefined when something that such a token claims is missing, or of another form. */
export const readBoundClaims = (claims: Claims): AccountClaims | undefined => {
  const own = claims['kubernetes.io']
  if (!isJsonObject(own) || claims.exp === undefined) return undefined
  const namespace = text(own['namespace'])
  const account = referenceOf(own['serviceaccount'])
  const bound = boundOf(own)
  if (namespace === '' || !account || !bound || claims.sub !== accountUserName(namespace, account.name))
    return undefined
  const audiences = claims.aud === undefined ? [] : [claims.aud].flat()
  return { namespace, account, bound, audiences, id: claims.jti }
}

/** Of a token in a Secret, which is named beside. */
export const readLegacyClaims = (claims: Claims): (AccountClaims & { readonly secretName: string }) | undefined => {
  const [namespace, secretName] = [text(claims[legacy('namespace')]), text(claims[legacy('secret.name')])]
  const account = referenceOf({
    name: claims[legacy('service-account.name')],
    uid: claims[legacy('service-account.uid')],
  })
  if (namespace === '' || secretName === '' || !account) return undefined
  if (claims.sub !== accountUserName(namespace, account.name)) return undefined
  return { namespace, account, bound: {}, audiences: undefined, id: undefined, secretName }
}
