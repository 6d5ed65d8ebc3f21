import t from 'tap'
import { ApiError, forbidden } from '../../../src/api/errors.ts'
import { failureText } from '../../../src/api/failure-text.ts'

const coded = (code: string, message = '', cause?: unknown): Error =>
  Object.assign(new Error(message, { cause }), { code })

for (const [name, error, text] of [
  [
    'a refusal',
    forbidden({ group: '', plural: 'nodes' }, '', 'User "a" cannot list'),
    /^forbidden: nodes is forbidden: User "a"/,
  ],
  ['credentials', new ApiError(401, 'Unauthorized', 'Unauthorized'), /^unauthorized: .*credentials: Unauthorized$/],
  ['plain text', new ApiError(404, '', 'the server answered 404: 404 page not found'), /^not found: .*page not found/],
  ['overload', new ApiError(429, 'TooManyRequests', 'later'), /^too many requests: later$/],
  ['a server that starts', new ApiError(503, '', ''), /^server error 503$/],
  ['an odd answer', new ApiError(409, 'Conflict', 'x'), /^the server answered 409: x$/],
  ['refused', coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'), /^connection refused: .*127\.0\.0\.1:1\)$/],
  ['both families', new AggregateError([coded('ECONNREFUSED')]), /^connection refused/],
  ['wrapped', new Error('fetch failed', { cause: coded('EHOSTUNREACH') }), /^no route .*\(fetch failed\)$/],
  ['time-out', coded('UND_ERR_CONNECT_TIMEOUT', 'Connect Timeout Error'), /^timed out: no connection/],
  ['an answer that does not come', coded('UND_ERR_HEADERS_TIMEOUT'), /^timed out: the API server does not answer$/],
  ['a name', coded('ENOTFOUND', 'getaddrinfo ENOTFOUND api.lab'), /^the name .* cannot be resolved .*api\.lab/],
  ['another authority', coded('SELF_SIGNED_CERT_IN_CHAIN'), /^TLS: the authority/],
  ['an unknown code is no reason', coded('EWHAT', 'what'), /^what$/],
  ['no error at all', 'odd', /^odd$/],
] as const)
  t.test(name, async (t) => t.match(failureText(error), text))
