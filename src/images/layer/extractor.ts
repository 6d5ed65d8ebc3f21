/**
 * Puts the files of a clean archive into a folder. Node cannot make devices or set extended attributes: GNU tar does, in a root
 * of its own (`extract.sh`). Rejected: tar on the archive as it came (it knows no whiteouts, and its own guards would be the only
 * ones), a program started for each device and attribute (a layer may have half a million).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { drained } from '../../host/drained.ts'
import { ImageError } from '../image-error.ts'

export interface Extraction {
  /** The archive, as `cleanLayer` makes it. */
  readonly chunks: AsyncIterable<Buffer>
  /** Empty, and there. */
  readonly folder: string
  /** Empty, and there: nothing is left in it. */
  readonly scratch: string
  readonly overlayXattrs: 'trusted' | 'user'
  readonly signal?: AbortSignal
}

const script = join(import.meta.dirname, 'extract.sh')
const capabilities = ['chown', 'dac_override', 'fowner', 'fsetid', 'mknod', 'setfcap']
/** To set what only the administrator may. */
const trustedCapability = 'sys_admin'
const saidBytes = 16 * 1024

const collect = (stream: Readable): (() => string) => {
  let said = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < saidBytes) said += text
  })
  return () => said
}

/** Resolves when all was written, or when nobody reads any more, which its end will explain. */
const feed = async (stdin: Writable, chunks: AsyncIterable<Buffer>): Promise<void> => {
  for await (const chunk of chunks) {
    if (stdin.destroyed) return
    if (!stdin.write(chunk)) await drained(stdin)
  }
  stdin.end()
}

const failureOf = (code: number | null, said: string): ImageError | undefined => {
  // A folder that does not hide what is below it is another image than the one that was asked for.
  const isMarkMissing = /overlay\.opaque/.test(said)
  if (code === 0 && !isMarkMissing) return undefined
  const first = said.trim().split('\n')[0] ?? ''
  // The archive is ours, and in order: what fails is the disk, or this machine.
  const why = /No space left|Wrote only/.test(said) ? `the disk is full (${first})` : first || `tar ended with ${code}`
  return new ImageError('disk', `a layer cannot be unpacked: ${why}`)
}

/** Resolves to what tar warned of. Rejects with `ImageError`; what the folder holds then is of no use. */
export const extract = async (extraction: Extraction): Promise<string> => {
  const { chunks, folder, scratch, overlayXattrs, signal } = extraction
  const kept = [...capabilities, ...(overlayXattrs === 'trusted' ? [trustedCapability] : [])]
  const child = spawn(
    'unshare',
    [
      ...['--mount', '--pid', '--fork', '--kill-child', 'sh', script, scratch, folder],
      kept.map((name) => `+${name}`).join(','),
    ],
    {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C' },
    },
  )
  const stop = (): void => void child.kill('SIGKILL')
  signal?.addEventListener('abort', stop, { once: true })
  // That it does not read any more shows in its end.
  child.stdin.on('error', () => undefined)
  const said = collect(child.stderr)
  const closed = once(child, 'close')
  // That it could not be started is told by who waits for its end, below.
  closed.catch(() => undefined)
  try {
    signal?.throwIfAborted()
    await feed(child.stdin, chunks)
    const [code] = await closed
    signal?.throwIfAborted()
    const failure = failureOf(typeof code === 'number' ? code : null, said())
    if (failure) throw failure
    return said().trim()
  } catch (error) {
    stop()
    await Promise.allSettled([closed])
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
