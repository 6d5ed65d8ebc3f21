/** Everything that a route writes to backends and clients, for a few requests; and what is wrong with it. */

import { createBalancer } from '../../src/proxy/ingress/balance/balancer.ts'
import { valueIn } from '../../src/proxy/ingress/decide/asking.ts'
import { type DecideContext, decide, dressed } from '../../src/proxy/ingress/decide/decide.ts'
import { createDraft } from '../../src/proxy/ingress/decide/draft.ts'
import type { Plan } from '../../src/proxy/ingress/decide/plan.ts'
import { prepare } from '../../src/proxy/ingress/decide/prepare.ts'
import { defaultLimits } from '../../src/proxy/ingress/http/limits.ts'
import { isRefusal } from '../../src/proxy/ingress/http/refusal.ts'
import { parseRequestHead } from '../../src/proxy/ingress/http/request-head.ts'
import { requestFields, requestText, type Via, viaFields } from '../../src/proxy/ingress/http/request-text.ts'
import { parseResponseHead } from '../../src/proxy/ingress/http/response-head.ts'
import { replyFields, replyText, responseFields, responseText } from '../../src/proxy/ingress/http/response-text.ts'
import { fill } from '../../src/proxy/ingress/policy/template.ts'
import type { PathTable } from '../../src/proxy/ingress/routes/match.ts'
import type { Route } from '../../src/proxy/ingress/routes/rule.ts'
import { stepContext } from './step-context.ts'
import { fieldsFault, headFault, requestLine, statusLine } from './wire-text.ts'

const date = 'Thu, 01 Jan 2026 00:00:00 GMT'
const delivery = { minor: 1, framing: 0, keepAlive: true, date } as const
const endpoint = { key: '10.244.1.2:8080', address: '10.244.1.2', port: 8080 }
const clock = { now: () => 0 }

const context = (): DecideContext => ({
  ...stepContext(),
  balancer: createBalancer(clock, () => {}),
  random: () => 0.5,
})

const requests = [
  parseRequestHead('GET / HTTP/1.1\r\nHost: a.lab\r\n\r\n', defaultLimits),
  parseRequestHead(
    'GET /app/x%20y?q=1 HTTP/1.1\r\nHost: a.lab\r\nOrigin: https://b.lab\r\nCookie: route=x; canary=always\r\nX-Canary: beta\r\n\r\n',
    defaultLimits,
  ),
  parseRequestHead(
    'OPTIONS /app HTTP/1.1\r\nHost: a.lab\r\nOrigin: https://b.lab\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a\r\n\r\n',
    defaultLimits,
  ),
]
const responses = [
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 302 Found\r\nLocation: http://web.local/x\r\nRefresh: 1\r\nSet-Cookie: a=b; Domain=web.local; Path=/inner\r\nContent-Length: 0\r\n\r\n',
].map((text) => parseResponseHead(text, 'GET', defaultLimits))

const via = (scheme: Via['scheme']): Via => ({
  ...{ clientAddress: '10.9.8.7', forwardedFor: '10.9.8.7', scheme, port: 80, localAuthority: '10.0.0.1' },
})

const planFaults = (plan: Plan): readonly (string | undefined)[] => {
  const { outgoing, viaText } = plan
  return [
    headFault(
      requestText(outgoing, plan.via, viaText, () => 'id'),
      requestLine,
    ),
    fieldsFault(requestFields(outgoing, plan.via, 'http', () => 'id')),
    ...responses.flatMap((head) => {
      const changes = plan.responseChanges?.(head, endpoint)
      const told = changes ? { ...delivery, changes } : delivery
      return [headFault(responseText(head, told), statusLine), fieldsFault(responseFields(head, date, changes))]
    }),
    ...plan.policy.mirrors.flatMap((mirror) => {
      const asking = { request: plan.request, via: plan.via, viaText, proof: undefined }
      const url = 'url' in mirror.to ? fill(mirror.to.url, valueIn(asking)) : undefined
      const isUrl = url === undefined || (/^[\x21-\x7e]+$/.test(url) && URL.canParse(url))
      const isHost = mirror.host === undefined || /^[\x21-\x7e]+$/.test(mirror.host)
      return [isUrl && isHost ? undefined : `the mirror ${url} ${mirror.host}`]
    }),
    ...(plan.errorPlan
      ? [503, 404].flatMap((status) => plan.errorPlan?.(status, false) ?? []).flatMap(planFaults)
      : []),
  ]
}

/** What is wrong with what the route writes; undefined when nothing is. Throws what the route throws. */
export const routeFault = async (route: Route): Promise<string | undefined> => {
  // It would be asked for real.
  const { externalAuth: _, ...policy } = route.policy
  for (const request of requests)
    for (const scheme of ['http', 'https'] as const) {
      const asking = { request, via: via(scheme), viaText: viaFields(via(scheme)), proof: undefined }
      try {
        const draft = createDraft()
        const asked = { ...route, policy }
        const prepared = prepare(asked)
        const { reply: bare, plan } = await decide(asked, prepared, asking, draft, context())
        const reply = bare && dressed(prepared, draft, asking, bare)
        const found = [
          ...(plan ? planFaults(plan) : []),
          ...(reply
            ? [headFault(replyText(reply, delivery, true), statusLine), fieldsFault(replyFields(reply, date))]
            : []),
        ].find((fault) => fault !== undefined)
        if (found !== undefined) return found
      } catch (error) {
        if (!isRefusal(error)) throw error
      }
    }
  return undefined
}

/** Every route of a table. */
export const routesIn = ({ exact, prefix, regexes, fallback }: PathTable): readonly Route[] => [
  ...[...exact.values(), ...prefix.values(), ...regexes.map(({ routes }) => routes)].flat(),
  ...(fallback ? [fallback] : []),
]
