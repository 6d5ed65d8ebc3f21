/** What becomes of a backend's answer. */
import { defined, idle, type Part, type Reading, type Rows, unserved, type Values } from './row.ts'
import { fieldText } from './text.ts'
import { list, onOff, whole, wrong } from './value.ts'

/** Beginnings of Location, and parts of cookies: plain texts. */
const plainText = (text: string): string => {
  if (/\s/.test(fieldText(text))) return wrong('blanks are not possible here')
  if (text.startsWith('~')) return wrong('regular expressions are not served here')
  return text.includes('$') ? wrong('variables are not possible here') : text
}

const replacement = (text: string): { readonly from: string; readonly to: string } | 'off' => {
  if (text === 'off') return text
  const [from, to, ...more] = text.split(/\s+/)
  if (from === undefined || to === undefined || more.length > 0) return wrong('expected two texts, or "off"')
  if (/[;,]/.test(text)) return wrong("a cookie's attribute cannot hold this")
  return { from: plainText(from), to: plainText(to) }
}

const serviceName = (text: string): string =>
  /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)
    ? text
    : wrong('expected the name of a Service of the same namespace')

export const answerRows = {
  'custom-http-errors': { read: list(whole(300, 599)) },
  'default-backend': { read: serviceName },
  'disable-proxy-intercept-errors': idle('answers are replaced where custom-http-errors says so, and nowhere else'),
  'proxy-redirect-from': { read: plainText },
  'proxy-redirect-to': { read: plainText },
  'proxy-cookie-domain': { read: replacement },
  'proxy-cookie-path': { read: replacement },
  'proxy-buffering': { read: onOff },
  'proxy-request-buffering': { read: onOff },
  'limit-rate': unserved('not served: an answer goes as fast as its reader takes it'),
  'limit-rate-after': unserved('not served: an answer goes as fast as its reader takes it'),
} satisfies Rows

type AnswerValues = Values<typeof answerRows>

const pair = ['proxy-redirect-from', 'proxy-redirect-to'] as const

const redirectFrom = (values: AnswerValues, { tell, isBroken }: Reading) => {
  const { 'proxy-redirect-from': from, 'proxy-redirect-to': to } = values
  if (from === 'off' || from === 'default' || to === 'off') return undefined
  if (from !== undefined && to !== undefined) return { from, to }
  const [there, other] = from === undefined ? (['proxy-redirect-to', 'proxy-redirect-from'] as const) : pair
  if (values[there] !== undefined && !isBroken(other)) tell('error', there, `has no effect without ${other}`)
  return undefined
}

const served = <T>(value: T | 'off' | undefined): T | undefined => (value === 'off' ? undefined : value)

export const answers = (values: AnswerValues, reading: Reading): Part => {
  const { tell } = reading
  for (const key of ['proxy-buffering', 'proxy-request-buffering'] as const)
    if (values[key]) tell('warning', key, 'bodies are always passed on as they come')
  const errorStatuses = values['custom-http-errors'] ?? []
  const defaultBackend = values['default-backend']
  if (errorStatuses.length > 0 && defaultBackend === undefined)
    tell('warning', 'custom-http-errors', 'has no effect without default-backend: there is none for all Ingresses')
  return {
    errorStatuses,
    ...defined({ defaultBackend }),
    policy: defined({
      redirectFrom: redirectFrom(values, reading),
      cookieDomain: served(values['proxy-cookie-domain']),
      cookiePath: served(values['proxy-cookie-path']),
    }),
  }
}
