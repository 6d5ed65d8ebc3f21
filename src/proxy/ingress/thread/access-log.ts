/** A line of JSON for each request, or for some of them. */
import { destination, pino } from 'pino'
import type { Observe, Observed } from '../relay/observe.ts'

export interface AccessLogOptions {
  /** `-` for standard output. */
  readonly file: string
  /** The share of requests that are written, from 0 to 1. Errors of the server always are. */
  readonly sample: number
}

export interface AccessLog {
  readonly write: Observe
  /** Everything that was written is out. */
  close(): void
}

const fieldOf = ({ request }: Observed, key: string): string =>
  request.fields.find((field) => field.key === key)?.value ?? ''

/** The names are those of ingress-nginx's JSON examples. */
const lineOf = (observed: Observed) => {
  const { request, via, origin } = observed
  return {
    time: new Date().toISOString(),
    remote_addr: via.clientAddress,
    method: request.method,
    scheme: via.scheme,
    host: request.host,
    uri: request.target,
    protocol: `HTTP/${request.version}`,
    status: observed.status,
    bytes_sent: observed.sent,
    request_time: Math.round(observed.duration * 1000) / 1_000_000,
    upstream_addr: observed.endpoint,
    upstream_tries: observed.tries,
    kind: origin?.kind ?? '',
    namespace: origin?.namespace ?? '',
    ingress: origin?.name ?? '',
    service: origin?.service ?? '',
    http_user_agent: fieldOf(observed, 'user-agent'),
    http_referer: fieldOf(observed, 'referer'),
    request_id: fieldOf(observed, 'x-request-id'),
  }
}

/** Throws when the file cannot be opened. `onError`: lines are lost, as on a disk that is full. */
export const createAccessLog = (
  { file, sample }: AccessLogOptions,
  onError: (error: unknown) => void,
  random: () => number = Math.random,
): AccessLog => {
  const target = destination({
    dest: file === '-' ? 1 : file,
    sync: true,
    minLength: 8_192,
    append: true,
    mkdir: true,
  })
  const log = pino({ base: null, timestamp: false, formatters: { level: (level) => ({ level }) } }, target)
  // Not for longer than a moment, however quiet it is.
  const flush = (): void => {
    try {
      target.flushSync()
    } catch (error) {
      onError(error)
    }
  }
  target.on('error', onError)
  const timer = setInterval(flush, 500)
  timer.unref()
  return {
    write: (observed) => {
      if (!observed.logged || (sample < 1 && observed.status < 500 && random() >= sample)) return
      try {
        log.info(lineOf(observed))
      } catch (error) {
        onError(error)
      }
    },
    close: () => {
      clearInterval(timer)
      flush()
      target.end()
    },
  }
}
