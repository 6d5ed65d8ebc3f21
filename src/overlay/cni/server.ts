/**
 * Where the plugin's processes hand their requests to the agent: a unix socket that root alone can use. A request is the
 * environment as `NAME=value`, each ended by a NUL, one more NUL, and standard input; an answer is the exit code, a line
 * break, and standard output.
 */
import { createServer, type Socket } from 'node:net'
import { aborted } from '../../api/clock.ts'
import type { Logger } from '../../host/log.ts'
import { listenAtPath } from '../../host/socket-file.ts'
import type { CniPlugin } from './plugin.ts'

export const defaultCniSocket = '/run/podway/cni.sock'

const maxRequestBytes = 1024 * 1024

/** Undefined while it is not whole. */
export const parseHandover = (
  text: string,
): { readonly environment: ReadonlyMap<string, string>; readonly stdin: string } | undefined => {
  const end = text.startsWith('\0') ? 0 : text.indexOf('\0\0') + 1
  if (end === 0 && !text.startsWith('\0')) return undefined
  const pairs = text
    .slice(0, Math.max(0, end - 1))
    .split('\0')
    .filter(Boolean)
  const environment = new Map(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at), pair.slice(at + 1)] as const
    }),
  )
  return { environment, stdin: text.slice(end + 1) }
}

const readAll = async (socket: Socket): Promise<string> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxRequestBytes) throw new Error(`a request of more than ${maxRequestBytes} bytes`)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Serves until `signal` aborts. */
export const runCniServer = async (
  path: string,
  plugin: Pick<CniPlugin, 'answer'>,
  log: Logger,
  signal: AbortSignal,
  onListening?: () => void,
): Promise<void> => {
  const serve = async (socket: Socket): Promise<void> => {
    const request = parseHandover(await readAll(socket))
    if (!request) return void socket.destroy()
    const { status, stdout } = await plugin.answer(request.environment, request.stdin)
    socket.end(`${status}\n${stdout}`)
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', (error) => log.debug({ err: error }, 'a container runtime went away'))
    serve(socket).catch((error: unknown) => {
      log.warn({ err: error }, 'malformed CNI request')
      socket.destroy()
    })
  })
  const { release } = await listenAtPath(server, path, (message) => log.warn(message))
  onListening?.()
  await aborted(signal)
  await release()
  server.close()
}
