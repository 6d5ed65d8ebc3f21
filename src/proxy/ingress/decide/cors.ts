/** Which pages of other origins may ask (the Fetch standard's CORS protocol). */
import type { Cors } from '../routes/policy.ts'
import { headerOf } from './asking.ts'
import type { Step } from './draft.ts'

const escaped = (text: string): string => text.replace(/[\\^$.+?()[\]{}|]/g, '\\$&')

/** The star stands for labels of a host name, and at the end also for a port. */
const originPattern = (origin: string): RegExp =>
  new RegExp(`^${escaped(origin).replaceAll('*', '[A-Za-z0-9.\\-]+')}$`, 'i')

export const corsStep = (cors: Cors): Step => {
  const any = cors.origins.includes('*')
  const patterns = cors.origins.filter((origin) => origin !== '*').map(originPattern)
  const common: readonly [string, string][] = [
    ...(cors.credentials ? [['Access-Control-Allow-Credentials', 'true'] as [string, string]] : []),
    ...(cors.expose.length > 0 ? [['Access-Control-Expose-Headers', cors.expose.join(', ')] as [string, string]] : []),
  ]
  const preflight: readonly [string, string][] = [
    ['Access-Control-Allow-Methods', cors.methods.join(', ')],
    ['Access-Control-Allow-Headers', cors.headers.join(', ')],
    ['Access-Control-Max-Age', String(cors.maxAgeSeconds)],
  ]
  return ({ request }, draft) => {
    const origin = headerOf(request, 'origin')
    const isAllowed = origin !== undefined && (any || patterns.some((pattern) => pattern.test(origin)))
    const isPreflight = request.method === 'OPTIONS' && headerOf(request, 'access-control-request-method') !== undefined
    if (!any) draft.responseFields.push(['Vary', 'Origin'])
    if (isAllowed) draft.responseFields.push(['Access-Control-Allow-Origin', any ? '*' : origin], ...common)
    if (!isPreflight) return undefined
    return { status: 204, fields: isAllowed ? preflight : [], body: '' }
  }
}
