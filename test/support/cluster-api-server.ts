/** The API of a test behind a socket of 127.0.0.1, for agents in processes of their own. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApiError, internalError } from '../../src/api/errors.ts'
import type { ApiRequest, Method } from '../../src/api/transport.ts'
import type { ClusterApi } from './cluster-api.ts'

export const toRequest = async (request: IncomingMessage): Promise<ApiRequest> => {
  const url = new URL(request.url ?? '/', 'http://api')
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return {
    method: request.method as Method,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    contentType: request.headers['content-type'] ?? '',
    ...(text === '' ? {} : { body: JSON.parse(text) as unknown }),
  }
}

const answer = async (api: ClusterApi, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const asked = await toRequest(request)
  if (asked.query?.['watch'] !== 'true') return void response.end(JSON.stringify(await api.request(asked)))
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  response.flushHeaders()
  for await (const event of api.watch(asked, gone.signal)) response.write(`${JSON.stringify(event)}\n`)
  response.end()
}

/** Serves `api`; resolves to its URL and a way to end it. */
export const serveClusterApi = async (
  api: ClusterApi,
): Promise<{ readonly url: string; readonly close: () => void }> => {
  const server = createServer((request, response) => {
    answer(api, request, response).catch((error: unknown) => {
      const failure = error instanceof ApiError ? error : internalError(String(error))
      if (!response.headersSent) response.writeHead(failure.code)
      response.end(JSON.stringify(failure.toStatus()))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
