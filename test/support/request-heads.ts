/** Heads of requests as clients write them, and what becomes of those that are refused. */
import { defaultLimits } from '../../src/proxy/ingress/http/limits.ts'
import { isRefusal } from '../../src/proxy/ingress/http/refusal.ts'
import { parseRequestHead, type RequestHead } from '../../src/proxy/ingress/http/request-head.ts'

/** A GET of this target at a.lab. Throws a Refusal for a target or field that may not be. */
export const head = (target: string, ...fields: readonly string[]): RequestHead =>
  parseRequestHead(`${[`GET ${target} HTTP/1.1`, 'Host: a.lab', ...fields].join('\r\n')}\r\n\r\n`, defaultLimits)

/** Undefined when it is refused. */
export const attempt = <T>(action: () => T): T | undefined => {
  try {
    return action()
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
}
