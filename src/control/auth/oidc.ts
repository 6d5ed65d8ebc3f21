/** Callers with the ID token of an OpenID provider (`--oidc-issuer-url`). */
import { readFile } from 'node:fs/promises'
import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '../../api/clock.ts'
import { createHttpTransport } from '../../api/http-transport.ts'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { Logger } from '../../host/log.ts'
import { claimedIssuer } from '../tokens/signer.ts'
import { type Authenticator, bearerOf } from './authenticate.ts'
import type { User } from './user.ts'

export interface OidcSettings {
  readonly issuer: string
  readonly clientId: string
  /** Missing: the system's authorities. */
  readonly caFile?: string
  readonly usernameClaim: string
  /** Undefined: the issuer and `#`, but for e-mail addresses. */
  readonly usernamePrefix?: string
  readonly groupsClaim?: string
  readonly groupsPrefix: string
  readonly requiredClaims: Readonly<Record<string, string>>
  readonly algorithms: readonly string[]
}

/** GETs JSON. */
export type FetchJson = (url: URL) => Promise<unknown>

export interface OidcContext {
  readonly clock: Clock
  readonly log: Logger
  readonly fetchJson: FetchJson
}

/** A provider that gives no keys, or not the one that a token names, is not asked again sooner. */
const retryMs = 10_000

type Keys = ReturnType<typeof createLocalJWKSet>

const urlOf = (value: unknown, what: string): URL => {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (url?.protocol !== 'https:') throw new Error(`${what} is no https URL`)
  return url
}

const isKeySet = (value: unknown): value is JsonObject & Parameters<typeof createLocalJWKSet>[0] =>
  isJsonObject(value) && Array.isArray(value['keys']) && value['keys'].every(isJsonObject)

/** Throws with what is wrong with the claims of a token that is the provider's. */
export const userOfClaims = (claims: JWTPayload, settings: OidcSettings): User => {
  const { issuer, usernameClaim, usernamePrefix, groupsClaim, groupsPrefix, requiredClaims } = settings
  const own = (name: string): unknown => (Object.hasOwn(claims, name) ? claims[name] : undefined)
  const name = own(usernameClaim)
  if (typeof name !== 'string' || name === '') throw new Error(`the claim ${usernameClaim} names no user`)
  if (usernameClaim === 'email' && own('email_verified') !== undefined && own('email_verified') !== true)
    throw new Error('the e-mail address is not verified')
  for (const [claim, value] of Object.entries(requiredClaims))
    if (own(claim) !== value) throw new Error(`the claim ${claim} is not ${JSON.stringify(value)}`)
  const given = (groupsClaim === undefined ? undefined : own(groupsClaim)) ?? []
  const groups = typeof given === 'string' ? [given] : given
  if (!Array.isArray(groups) || groups.some((group) => typeof group !== 'string'))
    throw new Error(`the claim ${groupsClaim} is no list of groups`)
  const prefix = usernamePrefix ?? (usernameClaim === 'email' ? '' : `${issuer}#`)
  return { name: `${prefix}${name}`, groups: groups.map((group) => `${groupsPrefix}${group}`) }
}

export const createOidcUsers = (settings: OidcSettings, { clock, log, fetchJson }: OidcContext): Authenticator => {
  const { issuer, clientId, algorithms } = settings
  let keys: Keys | undefined
  let askedAt: number | undefined
  let asking: Promise<void> | undefined

  const load = async (): Promise<void> => {
    const document = await fetchJson(urlOf(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, issuer))
    if (!isJsonObject(document) || document['issuer'] !== issuer)
      throw new Error(`the provider calls itself ${JSON.stringify(isJsonObject(document) ? document['issuer'] : null)}`)
    const set = await fetchJson(urlOf(document['jwks_uri'], 'jwks_uri'))
    if (!isKeySet(set)) throw new Error('the provider gives no set of keys')
    keys = createLocalJWKSet(set)
  }

  /** For all who wait at the same time, and not too often. */
  const refresh = async (): Promise<void> => {
    if (!asking && askedAt !== undefined && clock.now() - askedAt < retryMs) return
    askedAt = clock.now()
    asking ??= load()
      .catch((error: unknown) => log.error({ issuer, err: error }, 'cannot get the keys of the OpenID provider'))
      .finally(() => {
        asking = undefined
      })
    await asking
  }

  const verify = async (token: string): Promise<JWTPayload> => {
    if (!keys) await refresh()
    const options = {
      ...{ issuer, audience: clientId, algorithms: [...algorithms] },
      ...{ currentDate: new Date(clock.now()), requiredClaims: ['exp'] },
    }
    const by = async (): Promise<JWTPayload> => {
      if (!keys) throw new Error('the keys of the OpenID provider are not known')
      return (await jwtVerify(token, keys, options)).payload
    }
    try {
      return await by()
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      // The provider has changed its keys.
      await refresh()
      return by()
    }
  }

  return async (credentials) => {
    const token = bearerOf(credentials)
    if (token === undefined || claimedIssuer(token) !== issuer) return undefined
    try {
      return userOfClaims(await verify(token), settings)
    } catch (error) {
      log.info({ issuer, err: error }, 'a token of the OpenID provider is refused')
      return undefined
    }
  }
}

const fetchWith =
  (ca: string | undefined): FetchJson =>
  async ({ origin, pathname, searchParams }) => {
    const transport = createHttpTransport({ server: origin, ...(ca === undefined ? {} : { ca }) })
    try {
      return await transport.request({ method: 'GET', path: pathname, query: Object.fromEntries(searchParams) })
    } finally {
      await transport.close()
    }
  }

/** Rejects for settings that cannot be used. A provider that is away is asked again when somebody comes. */
export const openOidcUsers = async (settings: OidcSettings, context: Omit<OidcContext, 'fetchJson'>) => {
  urlOf(settings.issuer, `--oidc-issuer-url ${settings.issuer}`)
  const ca = settings.caFile === undefined ? undefined : await readFile(settings.caFile, 'utf8')
  return createOidcUsers(settings, { ...context, fetchJson: fetchWith(ca) })
}
