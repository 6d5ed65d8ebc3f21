/** The step that tells the audit log of requests: as the policy wants it, and never in their way. */
import { randomUUID } from 'node:crypto'
import { type Clock, formatMicroTime } from '../../api/clock.ts'
import { type ApiError, toApiError } from '../../api/errors.ts'
import { isJsonObject } from '../../api/json.ts'
import type { AuditLog } from '../audit/log-file.ts'
import { type AuditPolicy, type Decision, decide, type Stage } from '../audit/policy.ts'
import { accessOf } from '../auth/access.ts'
import type { Access } from '../auth/authorizer.ts'
import { infoOf, type User } from '../auth/user.ts'
import { type Answer, type AuditTrail, type Call, codeOf, type Incoming } from './call.ts'
import type { Step } from './chain.ts'
import { isLongRunning, whileRunning } from './while-running.ts'

export interface Auditing {
  readonly step: Step
  /** For whom nobody knows. */
  readonly refused: (incoming: Incoming, error: ApiError) => void
}

export interface AuditingOptions {
  readonly policy: AuditPolicy
  readonly log: AuditLog
  readonly clock: Clock
}

type Request = Omit<Incoming, 'credentials'>

const uriOf = ({ path, query }: Request): string => {
  const text = query.toString()
  return text === '' ? path : `${path}?${text}`
}

/** Those whom proxies in between name, then who has connected. */
const sourcesOf = ({ header, address = '' }: Request): readonly string[] => {
  const named = [...header('x-forwarded-for').split(','), header('x-real-ip')].map((text) => text.trim())
  return [...new Set([...named, address])].filter((text) => text !== '')
}

const present = (fields: Readonly<Record<string, string | undefined>>): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value))

const objectRefOf = (access: Access): object => {
  if (access.kind === 'path') return {}
  const { plural: resource, namespace, name, group: apiGroup, version: apiVersion, subresource } = access
  return { objectRef: present({ resource, namespace, name, apiGroup, apiVersion, subresource }) }
}

const withoutManagers = (object: unknown): unknown => {
  if (!isJsonObject(object)) return object
  if (Array.isArray(object['items'])) return { ...object, items: object['items'].map(withoutManagers) }
  if (!isJsonObject(object['metadata'])) return object
  const { managedFields: _, ...metadata } = object['metadata']
  return { ...object, metadata }
}

const objectOf = (answer: Answer): unknown => {
  if (answer.kind === 'object') return answer.object
  return answer.kind === 'list' ? answer.list : undefined
}

const statusOf = (error: ApiError): object => {
  const { kind: _, apiVersion: _version, ...status } = error.toStatus()
  return status
}

export const createAuditing = ({ policy, log, clock }: AuditingOptions): Auditing => {
  const eventOf = (request: Request, user: User | undefined, access: Access) => ({
    ...{
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      auditID: request.id ?? randomUUID(),
    },
    ...{ requestURI: uriOf(request), verb: access.verb, user: user ? infoOf(user) : {} },
    ...{ sourceIPs: sourcesOf(request), userAgent: request.header('user-agent') },
    ...objectRefOf(access),
    requestReceivedTimestamp: formatMicroTime(clock.now()),
  })

  const writer =
    (event: ReturnType<typeof eventOf>, { level, omitStages, omitManagedFields }: Decision) =>
    (stage: Stage, more: () => Readonly<Record<string, unknown>>): void => {
      if (omitStages.includes(stage)) return
      const { requestObject, responseObject, ...rest } = more()
      const shown = (object: unknown): unknown => (omitManagedFields ? withoutManagers(object) : object)
      const hasRequest = level !== 'Metadata' && requestObject !== undefined
      const hasResponse = level === 'RequestResponse' && responseObject !== undefined
      log.write({
        ...{ kind: event.kind, apiVersion: event.apiVersion, level, stage },
        ...{ ...event, ...rest, stageTimestamp: formatMicroTime(clock.now()) },
        ...(hasRequest ? { requestObject: shown(requestObject) } : {}),
        ...(hasResponse ? { responseObject: shown(responseObject) } : {}),
      })
    }

  const step: Step = async (call, next) => {
    const access = accessOf(call.info, call.query)
    const decision = decide(policy, call.user, access)
    if (decision.level === 'None') return next(call)
    const write = writer(eventOf(call, call.user, access), decision)
    const annotations: Record<string, string> = Object.create(null)
    let impersonatedUser: object | undefined
    let requestObject: unknown
    const trail: AuditTrail = {
      actsAs: (user) => {
        impersonatedUser = infoOf(user)
      },
      annotate: (key, value, from) => {
        if (from === 'Request' && decision.level === 'Metadata') return
        // As in Kubernetes: nobody takes back what another has said.
        if (!Object.hasOwn(annotations, key)) annotations[key] = value
      },
    }
    const seen: Call = {
      ...call,
      trail,
      body: async (limit) => {
        requestObject = await call.body(limit)
        return requestObject
      },
    }
    const told = (responseStatus: object, responseObject?: unknown) => () => ({
      ...(impersonatedUser ? { impersonatedUser } : {}),
      ...{ responseStatus, requestObject, responseObject },
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    })
    write('RequestReceived', () => ({}))
    try {
      const answer = await next(seen)
      const complete = told({ metadata: {}, code: codeOf(answer) }, objectOf(answer))
      if (!isLongRunning(answer)) {
        write('ResponseComplete', complete)
        return answer
      }
      return whileRunning(answer, {
        begin: () => write('ResponseStarted', complete),
        end: () => write('ResponseComplete', complete),
      })
    } catch (error) {
      const status = toApiError(error)
      write(status === error ? 'ResponseComplete' : 'Panic', told(statusOf(status), status.toStatus()))
      throw error
    }
  }

  return {
    step,
    refused: (incoming, error) => {
      const access = accessOf(incoming.info, incoming.query)
      const decision = decide(policy, undefined, access)
      if (decision.level === 'None') return
      writer(eventOf(incoming, undefined, access), decision)('ResponseStarted', () => ({
        responseStatus: statusOf(error),
      }))
    },
  }
}
