/** Which pages of other origins may ask (the Fetch standard's CORS protocol). */
import type { Cors } from '../routes/policy.ts'
import { headerOf } from './asking.ts'
import type { Step } from './draft.ts'

const escaped = (text: string): string => text.replace(/[\\^$.+?()[\]{}|]/g, '\\$&')

/** The star stands for labels of a host name, and at the end also for a port. */
const originPattern = (origin: string): RegExp =>
  new RegExp(`^${escaped(origin).replaceAll('*', '[A-Za-z0-9.\\-]+')}$`, 'i')

type Fields = [name: string, value: string][]

/** A list as a field; none for an empty one. */
const listField = (name: string, values: readonly string[]): Fields =>
  values.length > 0 ? [[name, values.join(', ')]] : []

/** What a preflight asks for, where a star stands for it. */
const allowed = (values: readonly string[], asked: string | undefined, named: boolean): readonly string[] => {
  if (!named || !values.includes('*')) return values
  return asked === undefined ? [] : [asked]
}

export const corsStep = (cors: Cors): Step => {
  const any = cors.origins.includes('*')
  const named = (cors.namesWhatIsAsked ?? false) && cors.credentials
  const patterns = cors.origins.filter((origin) => origin !== '*').map(originPattern)
  const common: Fields = [
    ...(cors.credentials ? [['Access-Control-Allow-Credentials', 'true'] as [string, string]] : []),
    ...listField('Access-Control-Expose-Headers', cors.expose),
  ]
  return ({ request }, draft) => {
    const origin = headerOf(request, 'origin')
    const isAllowed = origin !== undefined && (any || patterns.some((pattern) => pattern.test(origin)))
    const method = headerOf(request, 'access-control-request-method')
    if (!any || named) draft.responseFields.push(['Vary', 'Origin'])
    if (isAllowed) draft.responseFields.push(['Access-Control-Allow-Origin', any && !named ? '*' : origin], ...common)
    if (request.method !== 'OPTIONS' || method === undefined) return undefined
    const asked = headerOf(request, 'access-control-request-headers')
    const preflight: Fields = [
      ...listField('Access-Control-Allow-Methods', allowed(cors.methods, method, named)),
      ...listField('Access-Control-Allow-Headers', allowed(cors.headers, asked, named)),
      ['Access-Control-Max-Age', String(cors.maxAgeSeconds)],
    ]
    return { status: 204, fields: isAllowed ? preflight : [], body: '' }
  }
}
