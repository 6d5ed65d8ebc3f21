/** The query of a log request, as kubectl and the API server send it. Pure. */
import type { LogOptions } from '../logs/reader.ts'

/** What is wrong with a request; the text is for the user. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface LogQuery extends LogOptions {
  /** The instance before the present one. */
  readonly previous: boolean
}

const wholeNumber = (query: URLSearchParams, name: string, least: number): number | undefined => {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least) return value
  throw new RequestError(422, `${name}: Invalid value: ${JSON.stringify(text)}: must be a number of at least ${least}`)
}

const flag = (query: URLSearchParams, name: string): boolean => ['true', '1'].includes(query.get(name) ?? '')

const timeOf = (query: URLSearchParams): number | undefined => {
  const text = query.get('sinceTime')
  if (text === null || text === '') return undefined
  const time = Date.parse(text)
  if (Number.isNaN(time))
    throw new RequestError(422, `sinceTime: Invalid value: ${JSON.stringify(text)}: must be a time (RFC 3339)`)
  return time
}

const optional = <K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [name]: value } as Partial<Record<K, V>>)

/** Throws `RequestError` with what is wrong. */
export const parseLogQuery = (query: URLSearchParams, now: number): LogQuery => {
  const seconds = wholeNumber(query, 'sinceSeconds', 1)
  const time = timeOf(query)
  if (seconds !== undefined && time !== undefined)
    throw new RequestError(422, 'sinceSeconds: Forbidden: at most one of sinceTime or sinceSeconds may be specified')
  return {
    previous: flag(query, 'previous'),
    follow: flag(query, 'follow'),
    timestamps: flag(query, 'timestamps'),
    ...optional('tailLines', wholeNumber(query, 'tailLines', 0)),
    ...optional('limitBytes', wholeNumber(query, 'limitBytes', 1)),
    ...optional('sinceTime', seconds === undefined ? time : now - seconds * 1000),
  }
}
