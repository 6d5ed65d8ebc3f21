/** Failures as the Kubernetes API words them: one error type, a constructor for each reason, predicates to ask. */
import { goQuote } from './go-quote.ts'
import type { Status, StatusCause, StatusDetails } from './types/index.ts'

/** A `Status` of kind Failure, thrown by the server's code and by every client. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: number
  readonly reason: string
  readonly details: StatusDetails | undefined
  /** Headers that go with the Status, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: number,
    reason: string,
    message: string,
    details?: StatusDetails,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
    this.headers = headers
  }

  /** What goes over the wire. */
  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    }
  }

  static fromStatus(status: Partial<Status>, code: number): ApiError {
    return new ApiError(
      status.code ?? code,
      status.reason ?? '',
      status.message ?? `the server answered ${code}`,
      status.details,
    )
  }
}

/** Names the resource in an error: `pods`, or `deployments.apps` in messages. */
export interface ResourceName {
  readonly group: string
  readonly plural: string
}

const qualified = (r: ResourceName): string => (r.group === '' ? r.plural : `${r.plural}.${r.group}`)

const about = (r: ResourceName, name: string, more?: StatusDetails): StatusDetails => ({
  ...(name === '' ? {} : { name }),
  ...(r.group === '' ? {} : { group: r.group }),
  kind: r.plural,
  ...more,
})

export const notFound = (r: ResourceName, name: string): ApiError =>
  new ApiError(404, 'NotFound', `${qualified(r)} ${goQuote(name)} not found`, about(r, name))

/** For a path that is no resource at all. */
export const noSuchPath = (): ApiError =>
  new ApiError(404, 'NotFound', 'the server could not find the requested resource', {})

export const alreadyExists = (r: ResourceName, name: string): ApiError =>
  new ApiError(409, 'AlreadyExists', `${qualified(r)} ${goQuote(name)} already exists`, about(r, name))

export const conflict = (r: ResourceName, name: string, why: string): ApiError =>
  new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(r)} ${goQuote(name)}: ${why}`,
    about(r, name),
  )

export const modifiedMeanwhile = (r: ResourceName, name: string): ApiError =>
  conflict(r, name, 'the object has been modified; please apply your changes to the latest version and try again')

/** What who else manages, as a server-side apply is told: by manager and field. */
interface FieldConflict {
  readonly manager: string
  readonly field: string
}

const conflictText = (conflicts: readonly FieldConflict[]): string => {
  const [first] = conflicts
  if (first && conflicts.length === 1) return `conflict with ${first.manager}: ${first.field}`
  const managers = [...new Set(conflicts.map(({ manager }) => manager))]
  return managers
    .map((manager) => {
      const fields = conflicts.filter((each) => each.manager === manager).map(({ field }) => `- ${field}`)
      return [`conflicts with ${manager}:`, ...fields].join('\n')
    })
    .join('\n')
}

/** 409 for an apply that wishes something else of fields than those who manage them. */
export const fieldManagerConflict = (conflicts: readonly FieldConflict[]): ApiError =>
  new ApiError(
    409,
    'Conflict',
    `Apply failed with ${conflicts.length} conflict${conflicts.length === 1 ? '' : 's'}: ${conflictText(conflicts)}`,
    {
      causes: conflicts.map(({ manager, field }) => ({
        reason: 'FieldManagerConflict',
        message: `conflict with ${manager}`,
        field,
      })),
    },
  )

export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message)

export const unauthorized = (): ApiError => new ApiError(401, 'Unauthorized', 'Unauthorized')

export const forbidden = (r: ResourceName, name: string, why: string, causes?: readonly StatusCause[]): ApiError =>
  new ApiError(
    403,
    'Forbidden',
    `${qualified(r)}${name === '' ? '' : ` ${goQuote(name)}`} is forbidden: ${why}`,
    about(r, name, causes ? { causes } : undefined),
  )

/** `allowed`: the methods that would do. */
export const methodNotAllowed = (allowed: readonly string[]): ApiError =>
  new ApiError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
    { allow: allowed.join(', ') },
  )

export const notAcceptable = (offered: readonly string[]): ApiError =>
  new ApiError(406, 'NotAcceptable', `only the following media types are accepted: ${offered.join(', ')}`)

export const unsupportedMediaType = (accepted: readonly string[]): ApiError =>
  new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )

export const expired = (message: string): ApiError => new ApiError(410, 'Expired', message)

/** `why`: `the request body is larger than …`. */
export const tooLarge = (why: string): ApiError =>
  new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: ${why}`, {})

export const tooManyRequests = (): ApiError =>
  new ApiError(
    429,
    'TooManyRequests',
    'the server has received too many requests and has asked us to try again later',
    { retryAfterSeconds: 1 },
  )

/** `message` goes to the client: nothing in it may tell of the server's own files or code. */
export const internalError = (message: string): ApiError =>
  new ApiError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] })

export const serviceUnavailable = (message: string): ApiError => new ApiError(503, 'ServiceUnavailable', message)

/** A failure for the log, which knows what a client is told of it. */
export class AnsweredError extends Error {
  override readonly name: string = 'AnsweredError'
  readonly answer: ApiError

  constructor(message: string, answer: ApiError, cause?: unknown) {
    super(message, { cause })
    this.answer = answer
  }
}

/** What an error says, and whatever else was thrown. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** What a client is told of any failure; the log has the rest. */
export const toApiError = (error: unknown): ApiError => {
  if (error instanceof ApiError) return error
  return error instanceof AnsweredError ? error.answer : internalError('the request failed; the server log tells why')
}

/** One thing wrong with a field, in the words of apimachinery's field errors. */
export interface FieldError {
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueNotFound'
    | 'FieldValueTypeInvalid'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
  /** `spec.containers[0].image` */
  readonly field: string
  /** The field itself, where Kubernetes names another one. */
  readonly of?: string
  readonly message: string
}

const valueLimit = 1024

/** A refused value as the answer repeats it: its beginning, when it is long. */
const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'null'
  return text.length > valueLimit ? `${text.slice(0, valueLimit)}…` : text
}

export const required = (field: string, detail = ''): FieldError => ({
  reason: 'FieldValueRequired',
  field,
  message: detail === '' ? 'Required value' : `Required value: ${detail}`,
})

export const invalidValue = (field: string, value: unknown, detail: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${shown(value)}: ${detail}`,
})

export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  reason: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${shown(value)}: supported values: ${supported.map((s) => JSON.stringify(s)).join(', ')}`,
})

export const duplicate = (field: string, value: unknown): FieldError => ({
  reason: 'FieldValueDuplicate',
  field,
  message: `Duplicate value: ${shown(value)}`,
})

export const forbiddenField = (field: string, detail: string): FieldError => ({
  reason: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${detail}`,
})

export const notFoundValue = (field: string, value: unknown): FieldError => ({
  reason: 'FieldValueNotFound',
  field,
  message: `Not found: ${shown(value)}`,
})

export const tooLong = (field: string, limit: number): FieldError => ({
  reason: 'FieldValueTooLong',
  field,
  message: `Too long: may not be more than ${limit} bytes`,
})

/** What is wrong with so many items, when they are more than there may be. */
export const tooMany = (field: string, count: number, limit: number): FieldError[] =>
  count > limit
    ? [{ reason: 'FieldValueTooMany', field, message: `Too many: ${count}: must have at most ${limit} items` }]
    : []

const errorLimit = 64

/** 422, with the field errors as causes: the first of them, when an object has more than anybody reads. */
export const invalid = (
  kind: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): ApiError => {
  if (errors.length === 0) throw new Error('invalid() needs at least one field error')
  const told = errors.slice(0, errorLimit)
  const more = errors.length > errorLimit ? [`and ${errors.length - errorLimit} more`] : []
  const lines = [...told.map((e) => `${e.field.slice(0, valueLimit)}: ${e.message}`), ...more]
  const text = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`
  const qualifiedKind = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`
  const shownName = name.slice(0, valueLimit)
  return new ApiError(422, 'Invalid', `${qualifiedKind} ${goQuote(shownName)} is invalid: ${text}`, {
    name: shownName,
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.kind,
    causes: told.map((e) => ({ reason: e.reason, message: e.message, field: e.field.slice(0, valueLimit) })),
  })
}

const hasReason =
  (reason: string) =>
  (error: unknown): error is ApiError =>
    error instanceof ApiError && error.reason === reason

export const isNotFound = hasReason('NotFound')
/** The server has nothing at this path. A real one says so in plain text where it has no such kind, without a Status. */
export const isMissingPath = (error: unknown): error is ApiError => error instanceof ApiError && error.code === 404
export const isAlreadyExists = hasReason('AlreadyExists')
export const isConflict = hasReason('Conflict')
export const isForbidden = hasReason('Forbidden')
export const isUnauthorized = hasReason('Unauthorized')
/** The namespace is on its way out: nothing new may come into it. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  error instanceof ApiError && (error.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating')
/** True for both ways a server says that a resourceVersion is too old. */
export const isExpired = (error: unknown): error is ApiError => error instanceof ApiError && error.code === 410

/** The version lies ahead of the server: its store was lost or restored, or another server has answered before. */
export const isVersionTooLarge = (error: unknown): error is ApiError =>
  error instanceof ApiError &&
  error.code === 504 &&
  (error.details?.causes?.some(({ reason }) => reason === 'ResourceVersionTooLarge') ??
    error.message.startsWith('Too large resource version'))
