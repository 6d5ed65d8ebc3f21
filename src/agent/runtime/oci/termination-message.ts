/** The last words of a container: what it has written where it was told to, or the end of its log. */
import { open } from 'node:fs/promises'

const maxMessageBytes = 4096
const maxLogBytes = 2048
const maxLogLines = 80

/** The end of a file; empty when there is none. Only what is a plain file is read. */
const tailOf = async (file: string, maxBytes: number): Promise<Buffer> => {
  const handle = await open(file, 'r').catch(() => undefined)
  if (!handle) return Buffer.alloc(0)
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) return Buffer.alloc(0)
    const length = Math.min(stat.size, maxBytes)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, stat.size - length)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

const headOf = async (file: string, maxBytes: number): Promise<Buffer> => {
  const handle = await open(file, 'r').catch(() => undefined)
  if (!handle) return Buffer.alloc(0)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

const lastLines = (text: string): string => {
  const lines = text.replace(/\n$/, '').split('\n')
  return lines.length > maxLogLines ? lines.slice(-maxLogLines).join('\n') : text
}

export interface TerminationMessageSource {
  readonly file: string
  /** Read instead when the container has failed and said nothing. */
  readonly logFile: string | undefined
}

/** As the kubelet reads it: a text of at most 4096 bytes, or of the log 80 lines and 2048 bytes. */
export const readTerminationMessage = async (
  { file, logFile }: TerminationMessageSource,
  exitCode: number,
): Promise<string> => {
  const message = (await headOf(file, maxMessageBytes)).toString('utf8')
  if (message !== '' || logFile === undefined || exitCode === 0) return message
  return lastLines((await tailOf(logFile, maxLogBytes)).toString('utf8'))
}
