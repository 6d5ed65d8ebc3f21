/** The last words of a container: what it has written where it was told to, or the end of its log. */
import { open } from 'node:fs/promises'

const maxMessageBytes = 4096
const maxLogBytes = 2048
const maxLogLines = 80

/** A part of a plain file, `from` a place that its size tells; empty when there is none, or something else in its place. */
const partOf = async (file: string, maxBytes: number, from: (size: number) => number): Promise<string> => {
  const handle = await open(file, 'r').catch(() => undefined)
  if (!handle) return ''
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) return ''
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes, from(stat.size))
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

const headOf = (file: string, maxBytes: number): Promise<string> => partOf(file, maxBytes, () => 0)
const tailOf = (file: string, maxBytes: number): Promise<string> =>
  partOf(file, maxBytes, (size) => Math.max(0, size - maxBytes))

const lastLines = (text: string): string => {
  const lines = text.replace(/\n$/, '').split('\n')
  return lines.length > maxLogLines ? lines.slice(-maxLogLines).join('\n') : text
}

export interface TerminationMessageSource {
  readonly file: string
  /** The end of its log: read instead when the container has failed and said nothing. */
  readonly logEnd: (() => Promise<string>) | undefined
}

/** Of a log that containers write themselves. */
export const logEndOf = (file: string): Promise<string> => tailOf(file, maxLogBytes)

/** As the kubelet reads it: a text of at most 4096 bytes, or of the log 80 lines and 2048 bytes. */
export const readTerminationMessage = async (
  { file, logEnd }: TerminationMessageSource,
  exitCode: number,
): Promise<string> => {
  const message = await headOf(file, maxMessageBytes)
  if (message !== '' || logEnd === undefined || exitCode === 0) return message
  return lastLines(await logEnd())
}
