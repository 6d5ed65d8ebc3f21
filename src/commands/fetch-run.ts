import { request } from 'node:http'
import { sleep } from '../api/clock.ts'
import { counted } from '../host/counted.ts'
import { printError, terminalText } from '../host/terminal.ts'
import { isAddress } from '../ip/address.ts'
import { UsageError } from './usage-error.ts'

const retryMs = 20

interface FetchOptions {
  readonly header?: readonly string[]
  readonly count: number
  readonly timeout: number
  readonly keepGoing?: boolean
  readonly untilAnswered?: boolean
}

const parseHeader = (text: string): readonly [string, string] => {
  const colon = text.indexOf(':')
  if (colon < 1) throw new UsageError(`--header ${text}: expected NAME: VALUE`)
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()]
}

/** What a request waits for, one after the other. */
type Stage = 'lookup' | 'connection' | 'headers' | 'body'

const waitedFor: Readonly<Record<Stage, string>> = {
  lookup: 'the name was not resolved',
  connection: 'no connection',
  headers: 'connected, but no response headers',
  body: 'the response headers came, but not all of the body',
}

/** Which wait the time ran out in. */
export const timeoutText = (stage: Stage, timeoutMs: number): string =>
  `${waitedFor[stage]} within ${timeoutMs / 1_000} s`

const get = (url: string, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<string> =>
  new Promise((resolve, fail) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const { hostname } = new URL(url)
    let stage: Stage = isAddress(hostname.replaceAll(/[[\]]/g, '')) ? 'connection' : 'lookup'
    const reject = (error: unknown): void => fail(signal.aborted ? new Error(timeoutText(stage, timeoutMs)) : error)
    const outgoing = request(url, { headers, agent: false, signal })
    outgoing.once('error', reject)
    outgoing.once('socket', (socket) => {
      socket.once('lookup', () => {
        stage = 'connection'
      })
      socket.once('connect', () => {
        stage = 'headers'
      })
    })
    outgoing.once('response', async (response) => {
      stage = 'body'
      try {
        const chunks: Buffer[] = []
        for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
        const body = Buffer.concat(chunks).toString('utf8')
        if ((response.statusCode ?? 0) >= 400)
          reject(new Error(`${url} answered ${response.statusCode}: ${body.trim()}`))
        else resolve(body)
      } catch (error) {
        reject(error)
      }
    })
    outgoing.end()
  })

/** As it is for scripts. */
const printBody = (body: string): void => {
  const line = body.endsWith('\n') ? body : `${body}\n`
  process.stdout.write(process.stdout.isTTY ? terminalText(line) : line)
}

/** One body a line. Throws at the first request that fails; with `keepGoing` at the end, how many did. */
export const fetchUrl = async (url: string, options: FetchOptions): Promise<void> => {
  const { header = [], count, timeout, keepGoing, untilAnswered } = options
  if (!URL.canParse(url)) throw new UsageError(`${url} is not a URL`)
  const headers = Object.fromEntries(header.map(parseHeader))
  const ask = async (): Promise<string> => {
    while (untilAnswered) {
      const body = await get(url, headers, timeout * 1000).catch(() => undefined)
      if (body !== undefined) return body
      await sleep(retryMs)
    }
    return get(url, headers, timeout * 1000)
  }
  let failures = 0
  for (let n = 0; n < count; n++) {
    try {
      const body = await ask()
      printBody(body)
    } catch (error) {
      const message = `cannot fetch ${url}: ${error instanceof Error ? error.message : String(error)}`
      if (!keepGoing) throw new Error(message)
      failures++
      printError(message)
    }
  }
  if (failures > 0) throw new Error(`${failures} of ${counted(count, 'request')} failed`)
}
