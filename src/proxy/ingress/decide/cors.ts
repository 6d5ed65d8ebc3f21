/** Which pages of other origins may ask (the Fetch standard's CORS protocol). */
import { literally, patternOf, patternProblem } from '../policy/pattern.ts'
import type { Cors } from '../policy/policy.ts'
import { headerOf } from './asking.ts'
import type { Step } from './draft.ts'

/** The star stands for labels of a host name, and at the end also for a port. */
const originTest = (wanted: string): ((origin: string) => boolean) => {
  const small = wanted.toLowerCase()
  if (!small.includes('*')) return (origin) => origin.toLowerCase() === small
  const pattern = small.split('*').map(literally).join('[a-z0-9.-]+')
  // One that is too long to be looked for is nobody's.
  if (patternProblem(pattern) !== undefined) return () => false
  return (origin) => patternOf(pattern, 'whole').test(origin.toLowerCase())
}

type Fields = [name: string, value: string][]

/** A list as a field; none for an empty one. */
const listField = (name: string, values: readonly string[]): Fields =>
  values.length > 0 ? [[name, values.join(', ')]] : []

/** What a preflight asks for, where a star stands for it. */
const allowed = (values: readonly string[], asked: string | undefined, named: boolean): readonly string[] => {
  if (!named || !values.includes('*')) return values
  return asked === undefined ? [] : [asked]
}

export interface CorsSteps {
  /** Says in every answer of the route who may read it. */
  readonly fields: Step
  /** Answers what browsers ask before they ask. */
  readonly preflight: Step
}

export const corsSteps = (cors: Cors): CorsSteps => {
  const any = cors.origins.includes('*')
  const named = (cors.namesWhatIsAsked ?? false) && cors.credentials
  const tests = cors.origins.filter((origin) => origin !== '*').map(originTest)
  const common: Fields = [
    ...(cors.credentials ? [['Access-Control-Allow-Credentials', 'true'] as [string, string]] : []),
    ...listField('Access-Control-Expose-Headers', cors.expose),
  ]
  const isAllowed = (origin: string | undefined): origin is string =>
    origin !== undefined && (any || tests.some((test) => test(origin)))
  return {
    fields: ({ request }, draft) => {
      const origin = headerOf(request, 'origin')
      if (!any || named) draft.responseFields.push(['Vary', 'Origin'])
      if (isAllowed(origin))
        draft.responseFields.push(['Access-Control-Allow-Origin', any && !named ? '*' : origin], ...common)
      return undefined
    },
    preflight: ({ request }) => {
      const method = headerOf(request, 'access-control-request-method')
      if (request.method !== 'OPTIONS' || method === undefined) return undefined
      const asked = headerOf(request, 'access-control-request-headers')
      const preflight: Fields = [
        ...listField('Access-Control-Allow-Methods', allowed(cors.methods, method, named)),
        ...listField('Access-Control-Allow-Headers', allowed(cors.headers, asked, named)),
        ['Access-Control-Max-Age', String(cors.maxAgeSeconds)],
      ]
      return { status: 204, fields: isAllowed(headerOf(request, 'origin')) ? preflight : [], body: '' }
    },
  }
}
