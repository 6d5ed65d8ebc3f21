/** Talking with what runs in a container, at the address that a container runtime gives out for it: SPDY, as kubectl speaks it. */
import { request } from 'node:http'
import { type Duplex, PassThrough, Readable, Writable } from 'node:stream'
import { joinSpdy, type SpdyClientSession } from '../../streams/spdy/session.ts'
import type { TerminalSize } from '../streams.ts'

const protocol = 'v4.channel.k8s.io'
const dialMs = 10_000

/** What is connected. */
export interface Wanted {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

export interface Talk {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** The exit code. Rejects when there is none: the command could not be run, or the runtime has hung up. */
  readonly ended: Promise<number>
  resize(size: TerminalSize): void
  /** Hangs up. */
  close(): void
}

const dial = (url: string): Promise<SpdyClientSession> =>
  new Promise((resolve, reject) => {
    const { protocol: scheme } = new URL(url)
    if (scheme !== 'http:')
      return reject(
        new Error(`the container runtime streams over ${scheme}, which is not spoken here: turn its TLS off`),
      )
    const asked = request(url, {
      method: 'POST',
      timeout: dialMs,
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol },
    })
    asked.once('upgrade', (_response, socket, head) => {
      socket.setTimeout(0)
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      resolve(joinSpdy(socket, head))
    })
    asked.once('response', (response) => {
      response.resume()
      reject(new Error(`the container runtime refuses to stream: HTTP ${response.statusCode}`))
    })
    asked.once('timeout', () => asked.destroy(new Error('the container runtime does not stream: no answer in time')))
    asked.once('error', reject)
    asked.end()
  })

/** All that comes, also when the connection ends in the middle. */
const textOf = (stream: Duplex): Promise<string> =>
  new Promise((resolve) => {
    const parts: Buffer[] = []
    stream.on('data', (part: Buffer) => parts.push(part))
    for (const event of ['end', 'close']) stream.once(event, () => resolve(Buffer.concat(parts).toString()))
  })

const causesOf = (status: object): readonly object[] => {
  const details = 'details' in status ? status.details : undefined
  const causes = typeof details === 'object' && details !== null && 'causes' in details ? details.causes : undefined
  return Array.isArray(causes) ? causes.filter((each) => typeof each === 'object' && each !== null) : []
}

/** Reads the Status with which a command ends. Throws for one that was not run. */
export const exitCodeIn = (text: string): number => {
  if (text === '') throw new Error('the container runtime has hung up')
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    throw new Error(text)
  }
  if (typeof found !== 'object' || found === null) throw new Error(text)
  if ('status' in found && found.status === 'Success') return 0
  const exit = causesOf(found).find((cause) => 'reason' in cause && cause.reason === 'ExitCode')
  const code = exit && 'message' in exit ? Number(exit.message) : Number.NaN
  if (Number.isInteger(code)) return code
  throw new Error('message' in found && typeof found.message === 'string' ? found.message : text)
}

const isOver = (stream: Duplex | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (!stream || stream.closed) resolve()
    else stream.once('close', () => resolve())
  })

const nothing = (): Readable => Readable.from([])
const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })

/** Rejects when the runtime does not let us. */
export const talk = async (url: string, { stdin, stdout, stderr, tty }: Wanted): Promise<Talk> => {
  const session = await dial(url)
  const open = (name: string): Duplex => session.open(new Map([['streamtype', name]]))
  const errors = open('error')
  errors.end()
  const input = stdin ? open('stdin') : undefined
  const output = stdout ? open('stdout') : undefined
  const complaints = stderr && !tty ? open('stderr') : undefined
  const sizes = tty ? open('resize') : undefined
  // Nothing goes that way.
  for (const stream of [output, complaints]) stream?.end()
  for (const stream of [input, sizes]) stream?.resume()
  const ended = textOf(errors).then(exitCodeIn)
  ended.catch(() => undefined)
  // It is over when all has been said.
  void session.ended.then(() => {
    for (const stream of [input, sizes]) stream?.destroy()
  })
  const close = (): void => session.close()
  void Promise.allSettled([ended, isOver(output), isOver(complaints)]).then(close)
  return {
    ...{ stdin: input ?? nowhere(), stdout: output ?? nothing(), stderr: complaints ?? nothing(), ended, close },
    resize: ({ columns, rows }) => void sizes?.write(JSON.stringify({ Width: columns, Height: rows })),
  }
}

/** Both outputs as one. */
export const bothOf = ({ stdout, stderr }: Talk): Readable => {
  const all = new PassThrough()
  let open = 2
  for (const source of [stdout, stderr]) {
    source.pipe(all, { end: false })
    source.once('close', () => {
      open--
      if (open === 0) all.end()
    })
  }
  return all
}
