/** Another backend says what people see when one fails. */

import type { ErrorPages } from '../policy/policy.ts'
import { headerOf } from './asking.ts'
import type { Plan } from './plan.ts'

/** The question to the error backend, as ingress-nginx asks it; undefined for an answer that is passed on. */
export const errorPlanOf =
  (plan: Plan, { statuses, whenEmpty, backend }: ErrorPages) =>
  (status: number, nobodyAsked: boolean): Plan | undefined => {
    if (!statuses.includes(status) && !(whenEmpty && nobodyAsked)) return undefined
    const { request, origin, outgoing } = plan
    // An answer to HEAD has no body, whoever gives it.
    const method = request.method === 'HEAD' ? 'HEAD' : 'GET'
    const head = { ...request, method, body: 0 as const, upgrade: undefined, expectsContinue: false }
    const fields: [string, string][] = [
      ['X-Code', String(status)],
      ['X-Format', headerOf(request, 'accept') ?? ''],
      ['X-Original-URI', request.target],
      ['X-Namespace', origin.namespace],
      ['X-Ingress-Name', origin.name],
      ['X-Service-Name', origin.service],
      ['X-Request-Host', request.host],
    ]
    const changes = { dropped: new Set(fields.map(([name]) => name.toLowerCase())), appended: fields }
    const { errorPlan: _, ...rest } = plan
    return {
      ...rest,
      request: head,
      backend,
      policy: { ...plan.policy, protocol: 'http' },
      pickBy: { kind: 'round-robin' },
      outgoing: { ...outgoing, head, target: '/', changes },
    }
  }
