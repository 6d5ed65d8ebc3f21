/** What a command and its user say to each other, whatever carries it. */
import type { Readable, Writable } from 'node:stream'
import type { Status } from '../../api/types/index.ts'
import type { TerminalSize } from '../runtime/streams.ts'

/** What a client asks to be connected. */
export interface StreamOptions {
  readonly stdin: boolean
  readonly stdout: boolean
  /** Never with a terminal, which has one output. */
  readonly stderr: boolean
  readonly tty: boolean
}

export interface RemoteChannels {
  readonly stdin: Readable | undefined
  readonly stdout: Writable | undefined
  readonly stderr: Writable | undefined
  /** Called with every size that the user's terminal gets, the last one also for a handler that comes later. */
  onResize(handler: (size: TerminalSize) => void): void
  /** Tells how it went, and ends the connection behind what was written. */
  finish(status: Status): void
  /** Aborts when the client is gone, or has broken the rules. */
  readonly gone: AbortSignal
}

const size = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536 ? value : undefined

/** Reads `{"Width":80,"Height":24}`; undefined for anything else. */
export const parseSize = (text: string): TerminalSize | undefined => {
  try {
    const found: unknown = JSON.parse(text)
    if (typeof found !== 'object' || found === null) return undefined
    const columns = size('Width' in found ? found.Width : undefined)
    const rows = size('Height' in found ? found.Height : undefined)
    return columns !== undefined && rows !== undefined ? { columns, rows } : undefined
  } catch {
    return undefined
  }
}

/** Keeps the last size for whoever asks for it later. */
export const createResizes = () => {
  let last: TerminalSize | undefined
  let tell: ((size: TerminalSize) => void) | undefined
  return {
    take: (found: TerminalSize | undefined): void => {
      if (!found) return
      last = found
      tell?.(found)
    },
    onResize: (handler: (size: TerminalSize) => void): void => {
      tell = handler
      if (last) handler(last)
    },
  }
}

const success: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' }

/** How a command went, as clients read it: the exit code stands among the causes. */
export const exitStatus = (code: number): Status =>
  code === 0
    ? success
    : {
        ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'NonZeroExitCode' },
        message: `command terminated with non-zero exit code: exit status ${code}`,
        details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
      }

export const failureStatus = (message: string): Status => ({
  ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'InternalError', code: 500 },
  message: `Internal error occurred: ${message}`,
  details: { causes: [{ message }] },
})

/** Before v4 there was a text, and only of failures. */
export const statusText = (status: Status, isStructured: boolean): string => {
  if (isStructured) return JSON.stringify(status)
  return status.status === 'Success' ? '' : (status.message ?? 'the command failed')
}

/** Resolves when all that was written to them has left, or cannot any more. */
export const endAll = async (streams: readonly Writable[]): Promise<void> => {
  await Promise.all(streams.map((stream) => new Promise<void>((resolve) => void stream.end(() => resolve()))))
}
