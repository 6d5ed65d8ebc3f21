/** CORS as annotations have it, and as the Gateway API does. */
import t from 'tap'
import { corsSteps } from '../../../src/proxy/ingress/decide/cors.ts'
import { createDraft } from '../../../src/proxy/ingress/decide/draft.ts'
import { defaultLimits } from '../../../src/proxy/ingress/http/limits.ts'
import { parseRequestHead } from '../../../src/proxy/ingress/http/request-head.ts'
import type { Cors } from '../../../src/proxy/ingress/policy/policy.ts'
import { stepContext } from '../../support/step-context.ts'

const star: Cors = {
  ...{ origins: ['*'], methods: ['*'], headers: ['*'], expose: [], credentials: true },
  maxAgeSeconds: 5,
}

/** What the client is told, by name. */
const told = (cors: Cors, method: string, ...fields: readonly string[]): Readonly<Record<string, string>> => {
  const text = `${[`${method} / HTTP/1.1`, 'Host: a.lab', ...fields].join('\r\n')}\r\n\r\n`
  const request = parseRequestHead(text, defaultLimits)
  const draft = createDraft()
  const via = { clientAddress: '', forwardedFor: '', scheme: 'http', port: 80, localAuthority: '' } as const
  const relay = stepContext()
  const asking = { request, via, viaText: '', proof: undefined }
  const steps = corsSteps(cors)
  steps.fields(asking, draft, relay)
  const reply = steps.preflight(asking, draft, relay)
  const own = reply && 'fields' in reply ? reply.fields : []
  return Object.fromEntries([...draft.responseFields, ...own])
}

const asking = ['Origin: https://x.lab', 'Access-Control-Request-Method: PUT', 'Access-Control-Request-Headers: X-A']

t.test('a star is a star, which a browser takes without credentials only', async (t) => {
  t.same(told(star, 'OPTIONS', ...asking), {
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Allow-Methods': '*',
    'Access-Control-Allow-Headers': '*',
    'Access-Control-Max-Age': '5',
  })
})

t.test('the Gateway API names what is asked, when there are credentials', async (t) => {
  const named = { ...star, namesWhatIsAsked: true }
  t.same(told(named, 'OPTIONS', ...asking), {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': 'https://x.lab',
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Allow-Methods': 'PUT',
    'Access-Control-Allow-Headers': 'X-A',
    'Access-Control-Max-Age': '5',
  })
  t.equal(told({ ...named, credentials: false }, 'GET', asking[0] ?? '')['Access-Control-Allow-Origin'], '*')
})

t.test('what is not listed is not told', async (t) => {
  const bare = { ...star, methods: [], headers: [], origins: ['https://x.lab'] }
  const fields = told(bare, 'OPTIONS', ...asking)
  t.notOk('Access-Control-Allow-Methods' in fields)
  t.notOk('Access-Control-Allow-Headers' in fields)
  t.equal(fields['Access-Control-Allow-Origin'], 'https://x.lab')
  t.same(told(bare, 'OPTIONS', 'Origin: https://y.lab', 'Access-Control-Request-Method: PUT'), { Vary: 'Origin' })
})
