/** HTTPS to the agents, with the control plane's own certificate. */
import { request } from 'node:https'
import type { KeyPair } from '../../api/certificates.ts'
import type { AgentConnection } from './pod-log.ts'

const connectTimeoutMs = 5_000

/** `client` is asked at every connection: the certificate is renewed while the control plane runs. */
export const createAgentConnection = (client: () => KeyPair, ca: string): AgentConnection => ({
  get: (address, port, path, signal) =>
    new Promise((resolve, reject) => {
      const outgoing = request({ host: address, port, path, ...client(), ca, signal })
      outgoing.setTimeout(connectTimeoutMs, () =>
        outgoing.destroy(new Error(`no answer within ${connectTimeoutMs} ms`)),
      )
      outgoing.once('response', (response) => {
        // A followed log may be silent for as long as it likes.
        outgoing.setTimeout(0)
        resolve({ code: response.statusCode ?? 500, chunks: response })
      })
      outgoing.once('error', reject)
      outgoing.end()
    }),
})
