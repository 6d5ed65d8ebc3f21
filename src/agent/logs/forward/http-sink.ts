/** JSON lines by POST, over HTTP or HTTPS. */
import { readFile } from 'node:fs/promises'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { jsonLine } from './record.ts'
import { type LogSink, Rejected } from './sink.ts'

export interface HttpSinkOptions {
  /** PEM, in place of the system's authorities. */
  readonly ca?: string
  /** Holds a bearer token; read for each batch, since tokens are rotated. */
  readonly tokenFile?: string
}

/** The batch itself is what is wrong. All else may be mended by whoever looks after the target. */
const rejections = [400, 413, 422]

const maxAnswerBytes = 64 * 1024

const basicOf = ({ username, password }: URL): string =>
  `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`

/** The start of an answer; the connection of one that does not end is not used again. */
const startOf = async (answer: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxAnswerBytes) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** What somebody else's server says goes into our log: a short line of it. */
const shown = (text: string): string => JSON.stringify(text.trim().slice(0, 200))

export const createHttpSink = (name: string, url: URL, { ca, tokenFile }: HttpSinkOptions = {}): LogSink => {
  const isTls = url.protocol === 'https:'
  const agent = isTls
    ? new HttpsAgent({ keepAlive: true, maxSockets: 1, ...(ca === undefined ? {} : { ca }) })
    : new HttpAgent({ keepAlive: true, maxSockets: 1 })
  // The user goes into a header.
  const target = new URL(url)
  target.username = ''
  target.password = ''

  const authorization = async (): Promise<Readonly<Record<string, string>>> => {
    if (tokenFile !== undefined) return { authorization: `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}` }
    return url.username === '' ? {} : { authorization: basicOf(url) }
  }

  const post = async (body: Buffer, signal: AbortSignal): Promise<IncomingMessage> => {
    const headers = {
      ...{ 'content-type': 'application/x-ndjson', 'content-length': body.length, 'user-agent': 'podway' },
      ...(await authorization()),
    }
    const options = { method: 'POST', headers, agent, signal }
    return new Promise((resolve, reject) => {
      const call = isTls ? httpsRequest(target, options) : httpRequest(target, options)
      call.on('response', resolve).on('error', reject).end(body)
    })
  }

  return {
    name,
    send: async (records, signal) => {
      const answer = await post(Buffer.from(records.map(jsonLine).join('')), signal)
      const { statusCode = 0 } = answer
      const said = await startOf(answer)
      if (statusCode >= 200 && statusCode < 300) return
      const message = `the target answered ${statusCode}${said === '' ? '' : `: ${shown(said)}`}`
      throw rejections.includes(statusCode) ? new Rejected(message) : new Error(message)
    },
    close: async () => agent.destroy(),
  }
}
