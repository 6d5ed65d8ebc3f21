/** As whom a registry is asked: nobody, by name and password, or with a token of the service that it names (distribution-spec, "auth"). */
import { isJsonObject } from '../../api/json.ts'
import type { RegistryCredential } from '../credentials.ts'
import { damaged, ImageError } from '../image-error.ts'
import { jsonIn } from '../json.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import { type HttpClient, type RegistryAnswer, type RegistryRequest, readAnswer } from './http-client.ts'
import type { Endpoint } from './registries.ts'

export interface Authorizer {
  /** For the next request; undefined as long as nobody has asked. */
  header(): string | undefined
  /** After a 401. False: there is nothing else to show. Rejects with `ImageError` where the token service fails. */
  answer(challenge: string, signal: AbortSignal | undefined): Promise<boolean>
}

const tokenBytes = 1024 * 1024
/** Where nothing is said of how long a token is good (distribution-spec). */
const defaultSeconds = 60
/** Before a token ends, so that it is good when it arrives. */
const earlyMs = 5_000

const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`

interface Token {
  readonly value: string
  readonly until: number
}

/** What goes into a header must be one word. */
const wordForm = /^[\x21-\x7e]{1,65536}$/

const tokenIn = (body: Buffer, now: number, host: string): Token => {
  const parsed = jsonIn(body, () => damaged(`${host}: its token service answers with something else than a token`))
  const { token, access_token: access, expires_in: seconds } = isJsonObject(parsed) ? parsed : {}
  const value = typeof token === 'string' && token !== '' ? token : access
  if (typeof value !== 'string' || !wordForm.test(value))
    throw damaged(`${host}: its token service answers without a token`)
  const lasts = typeof seconds === 'number' && seconds > 0 ? seconds : defaultSeconds
  return { value, until: now + lasts * 1_000 - earlyMs }
}

/** Names and passwords go to no place that is less safe than the registry itself. */
const realmOf = (challenge: Challenge, base: URL): URL => {
  const text = challenge.parameters.get('realm') ?? ''
  const realm = URL.parse(text)
  if (
    !realm ||
    !['http:', 'https:'].includes(realm.protocol) ||
    (realm.protocol === 'http:' && base.protocol === 'https:')
  )
    throw damaged(`${base.host}: it asks for a token of ${JSON.stringify(text.slice(0, 200))}`)
  return realm
}

const failureOf = (answer: RegistryAnswer, realm: URL): ImageError => {
  if ([400, 401, 403, 404].includes(answer.status))
    return new ImageError('unauthorized', `${realm.host} gives no token: it answered ${answer.status}`)
  return new ImageError('unavailable', `${realm.host} gives no token: it answered ${answer.status}`)
}

/** `scope`: `repository:library/nginx:pull`. */
export const createAuthorizer = (
  http: HttpClient,
  endpoint: Endpoint,
  scope: string,
  credential: RegistryCredential | undefined,
  now: () => number = Date.now,
): Authorizer => {
  let shown: string | undefined
  let token: Token | undefined

  const fetchToken = async (challenge: Challenge, signal: AbortSignal | undefined): Promise<Token> => {
    const realm = realmOf(challenge, endpoint.base)
    const service = challenge.parameters.get('service') ?? ''
    const scopes = challenge.parameters.get('scope') ?? scope
    const isOwn = realm.host === endpoint.base.host
    const trust = { authority: endpoint.authority, isVerified: isOwn ? endpoint.isVerified : true }
    const parameters = { ...(service === '' ? {} : { service }), scope: scopes }
    const identified: Readonly<Record<string, string>> =
      credential?.kind === 'basic' ? { authorization: basic(credential.username, credential.password) } : {}
    const form = {
      ...{ ...parameters, client_id: 'podway', grant_type: 'refresh_token' },
      ...(credential?.kind === 'identity token' ? { refresh_token: credential.token } : {}),
    }
    const request: RegistryRequest =
      credential?.kind === 'identity token'
        ? {
            ...{ method: 'POST', url: realm, body: new URLSearchParams(form).toString() },
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
          }
        : { url: withQuery(realm, parameters), headers: identified }
    const answer = await http.send({ ...request, signal }, trust)
    if (answer.status !== 200) {
      await answer.discard()
      throw failureOf(answer, realm)
    }
    return tokenIn(await readAnswer(answer, tokenBytes, 'a token'), now(), realm.host)
  }

  return {
    header: () => {
      if (shown !== undefined) return shown
      if (credential?.kind === 'registry token') return `Bearer ${credential.token}`
      return token && token.until > now() ? `Bearer ${token.value}` : undefined
    },
    answer: async (header, signal) => {
      const challenges = parseChallenges(header)
      const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
      if (bearer && credential?.kind !== 'registry token') {
        token = await fetchToken(bearer, signal)
        return true
      }
      if (!challenges.some(({ scheme }) => scheme === 'basic') || credential?.kind !== 'basic' || shown !== undefined)
        return false
      shown = basic(credential.username, credential.password)
      return true
    },
  }
}

const withQuery = (url: URL, parameters: Readonly<Record<string, string>>): URL => {
  const result = new URL(url)
  for (const [name, value] of Object.entries(parameters)) result.searchParams.set(name, value)
  return result
}
