/** A request, and what is known of where it came from. */
import { pathText } from '../http/path.ts'
import type { RequestHead } from '../http/request-head.ts'
import type { Via } from '../http/request-text.ts'
import type { ClientCertificates } from '../policy/policy.ts'
import type { Variable } from '../policy/template.ts'

/** What a client has shown for a host that asks for certificates. */
export interface ClientProof {
  /** The `ClientCertificates` it was asked by. */
  readonly host: string
  readonly verified: boolean
  /** PEM, empty without a certificate. */
  readonly certificate: string
  readonly subject: string
  readonly commonName: string
}

export interface Asking {
  readonly request: RequestHead
  readonly via: Via
  readonly viaText: string
  readonly proof: ClientProof | undefined
  /** What clients of this host must show where this one came in. */
  readonly clients?: ClientCertificates | undefined
}

export const headerOf = ({ fields }: RequestHead, key: string): string | undefined =>
  fields.find((field) => field.key === key)?.value

export const cookieOf = (request: RequestHead, name: string): string | undefined => {
  for (const { key, value } of request.fields) {
    if (key !== 'cookie') continue
    for (const pair of value.split(';')) {
      const equals = pair.indexOf('=')
      if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
    }
  }
  return undefined
}

export const queryOf = ({ target }: RequestHead): string => {
  const mark = target.indexOf('?')
  return mark < 0 ? '' : target.slice(mark + 1)
}

export const pathOf = ({ target }: RequestHead): string => {
  const mark = target.indexOf('?')
  return mark < 0 ? target : target.slice(0, mark)
}

/** As it was written: what is decoded here could be more than a value wherever it is put. */
const argumentOf = (request: RequestHead, name: string): string =>
  queryOf(request)
    .split('&')
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1) ?? ''

/** The host that was asked, with its port where it has one. */
export const hostOf = ({ request, via }: Asking): string =>
  via.forwardedHost ?? (request.authority === '' ? via.localAuthority : request.authority)

const withoutPort = (host: string): string => host.replace(/:\d+$/, '')

/** What a template's variable stands for in this request. */
export const valueIn =
  (asking: Asking) =>
  (variable: Variable): string => {
    const { request, via } = asking
    switch (variable.variable) {
      case 'request_uri':
        return request.target
      case 'escaped_request_uri':
        return encodeURIComponent(request.target)
      case 'uri':
        return pathText(request.path)
      case 'args':
        return queryOf(request)
      case 'is_args':
        return request.target.includes('?') ? '?' : ''
      case 'host':
        return withoutPort(hostOf(asking))
      case 'http_host':
        return hostOf(asking)
      case 'scheme':
        return via.scheme
      case 'request_method':
        return request.method
      case 'remote_addr':
      case 'binary_remote_addr':
        return via.clientAddress
      case 'server_port':
        return String(via.port)
      case 'request_id':
        return headerOf(request, 'x-request-id') ?? ''
      case 'http':
        return headerOf(request, variable.argument) ?? ''
      case 'cookie':
        return cookieOf(request, variable.argument) ?? ''
      case 'arg':
        return argumentOf(request, variable.argument)
    }
  }
