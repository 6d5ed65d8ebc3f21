/** Another server is asked whether a request may come in. */
import type { Dispatcher } from 'undici'
import { isRequestId } from '../http/request-id.ts'
import { isOnlyOurs, originFields } from '../http/request-text.ts'
import { plainReply, type Reply } from '../http/response-text.ts'
import type { ExternalAuth } from '../policy/policy.ts'
import { fill } from '../policy/template.ts'
import { type Asking, hostOf, valueIn } from './asking.ts'
import type { Step, StepContext } from './draft.ts'
import { redirectTo } from './redirects.ts'

const timeoutMs = 60_000
const connectMs = 5_000
/** What the server says with its verdict is of no interest beyond this. */
const maxBodyBytes = 64 * 1024

type Answer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'> & { readonly body: string }

const ask = async (
  { outside }: StepContext,
  url: string,
  method: string,
  headers: Record<string, string>,
): Promise<Answer> => {
  const answer = await outside.ask(url, {
    ...{ method, headers, headersTimeout: timeoutMs, bodyTimeout: timeoutMs },
    signal: AbortSignal.timeout(timeoutMs + connectMs),
  })
  let body = ''
  for await (const piece of answer.body) if (body.length < maxBodyBytes) body += String(piece)
  return { statusCode: answer.statusCode, headers: answer.headers, body }
}

const notForwarded = new Set(['content-length', 'transfer-encoding', 'expect', 'host', 'upgrade', 'connection'])

const questionFields = (auth: ExternalAuth, asking: Asking): Record<string, string> => {
  const { request, via } = asking
  const fields: Record<string, string> = {}
  for (const { key, value } of request.fields)
    if (
      (key === 'x-request-id' && isRequestId(value)) ||
      !(isOnlyOurs(key) || notForwarded.has(key) || request.connection.includes(key))
    )
      fields[key] = fields[key] ? `${fields[key]}, ${value}` : value
  const url = `${via.scheme}://${hostOf(asking)}${request.target}`
  return {
    ...fields,
    ...Object.fromEntries(originFields(via).map(([name, value]) => [name.toLowerCase(), value])),
    'x-original-url': url,
    'x-original-method': request.method,
    'x-original-uri': request.target,
    'x-auth-request-redirect': auth.requestRedirect ? fill(auth.requestRedirect, valueIn(asking)) : request.target,
    'x-forwarded-host': hostOf(asking),
    'x-forwarded-method': request.method,
    'x-forwarded-uri': request.target,
    'x-sent-from': 'podway',
  }
}

const valuesOf = (headers: Answer['headers'], key: string): readonly string[] => {
  const value = headers[key]
  return value === undefined ? [] : typeof value === 'string' ? [value] : value
}

const signInUrl = (auth: ExternalAuth, asking: Asking): string | undefined => {
  if (!auth.signIn) return undefined
  const url = fill(auth.signIn, valueIn(asking))
  // In the author's own words alone: a client could name another place to come back to.
  const written = auth.signIn.filter((part) => typeof part === 'string').join('')
  const back = encodeURIComponent(`${asking.via.scheme}://${hostOf(asking)}${asking.request.target}`)
  if (['?', '&'].some((before) => written.includes(`${before}${auth.signInRedirectParam}=`))) return url
  return `${url}${url.includes('?') ? '&' : '?'}${auth.signInRedirectParam}=${back}`
}

const refusal = (auth: ExternalAuth, asking: Asking, answer: Answer): Reply => {
  const signIn = answer.statusCode === 401 ? signInUrl(auth, asking) : undefined
  const cookies = valuesOf(answer.headers, 'set-cookie').map((value) => ['Set-Cookie', value] as const)
  if (signIn !== undefined) {
    const reply = redirectTo(302, signIn)
    return { ...reply, fields: [...reply.fields, ...cookies] }
  }
  const challenge = valuesOf(answer.headers, 'www-authenticate').map((value) => ['WWW-Authenticate', value] as const)
  const type = valuesOf(answer.headers, 'content-type').map((value) => ['Content-Type', value] as const)
  return { status: answer.statusCode, fields: [...type, ...challenge, ...cookies], body: answer.body }
}

export const externalAuthStep =
  (auth: ExternalAuth): Step =>
  async (asking, draft, relay) => {
    const url = fill(auth.url, valueIn(asking))
    let answer: Answer
    try {
      answer = await ask(relay, url, auth.method ?? 'GET', questionFields(auth, asking))
    } catch (error) {
      relay.report(`auth-url ${url}: ${error instanceof Error ? error.message : String(error)}`)
      return plainReply(500, 'the server that decides about access does not answer')
    }
    const { statusCode, headers } = answer
    if (statusCode >= 200 && statusCode < 300) {
      // Also where the server says nothing: nobody else may.
      draft.dropped.push(...auth.responseHeaders)
      for (const key of auth.responseHeaders)
        for (const value of valuesOf(headers, key)) draft.requestFields.push([key, value])
      for (const value of valuesOf(headers, 'set-cookie')) draft.responseFields.push(['Set-Cookie', value])
      return undefined
    }
    if (statusCode === 401 || statusCode === 403) return refusal(auth, asking, answer)
    relay.report(`auth-url ${url}: answered ${statusCode}`)
    return plainReply(500, 'the server that decides about access has trouble')
  }
