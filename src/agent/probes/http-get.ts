/** One GET, as probes and hooks make it. */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface HttpGet {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

export interface HttpAnswer {
  readonly status: number
  readonly location: string | undefined
}

/** Rejects when there is no complete head in time. The body is not read; certificates are not checked. */
export const httpGet = ({ url, headers, timeoutMs }: HttpGet): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const options = { headers, agent: false, signal, rejectUnauthorized: false } as const
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const request = send(url, options, (answer) => {
      answer.destroy()
      resolve({ status: answer.statusCode ?? 0, location: answer.headers.location })
    })
    request.on('error', (error) => reject(signal.aborted ? new Error(`no answer within ${timeoutMs / 1000}s`) : error))
    request.end()
  })
