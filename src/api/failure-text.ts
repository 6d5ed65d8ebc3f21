/** Why a request to an API server failed, as operators call it. Pure. */
import { ApiError, errorText } from './errors.ts'

const httpTexts: Readonly<Record<number, string>> = {
  401: 'unauthorized: the API server does not accept these credentials',
  403: 'forbidden',
  404: 'not found',
  410: 'gone',
  429: 'too many requests',
}

const ofStatus = (code: number): string =>
  httpTexts[code] ?? (code >= 500 ? `server error ${code}` : `the server answered ${code}`)

const networkTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: nothing listens at the address of the API server',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the API server',
  ENETUNREACH: 'no route to the API server',
  ENOTFOUND: 'the name of the API server cannot be resolved',
  EAI_AGAIN: 'the name of the API server cannot be resolved now',
  EPIPE: 'connection reset',
  ETIMEDOUT: 'timed out: the API server does not answer',
  UND_ERR_BODY_TIMEOUT: 'timed out in the middle of an answer of the API server',
  UND_ERR_CONNECT_TIMEOUT: 'timed out: no connection to the API server',
  UND_ERR_HEADERS_TIMEOUT: 'timed out: the API server does not answer',
  UND_ERR_SOCKET: 'connection closed by the API server',
  CERT_HAS_EXPIRED: 'TLS: the certificate of the API server has expired',
  CERT_NOT_YET_VALID: 'TLS: the certificate of the API server is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS: the authority of the kubeconfig has not signed the certificate of the API server',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS: the certificate of the API server is for another name',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS: the authority of the kubeconfig has not signed the certificate of the API server',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'TLS: the authority of the kubeconfig has not signed the certificate of the API server',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'TLS: the authority of the kubeconfig has not signed the certificate of the API server',
}

/** Of the innermost error that has one. */
const codeOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined
  const { code } = error as NodeJS.ErrnoException
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause
  return (code !== undefined && code in networkTexts ? code : codeOf(inner)) ?? code
}

/** What it is first, what the server said after it. */
export const failureText = (error: unknown): string => {
  const said = errorText(error)
  if (error instanceof ApiError) return said === '' ? ofStatus(error.code) : `${ofStatus(error.code)}: ${said}`
  const known = networkTexts[codeOf(error) ?? '']
  return known === undefined ? said : said === '' ? known : `${known} (${said})`
}
