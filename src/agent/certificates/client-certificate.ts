/** The certificate by which the API knows this node; kept in the kubeconfig that joining has made. */
import type { KeyPair } from '../../api/certificates.ts'
import type { Client } from '../../api/client.ts'
import { systemClock } from '../../api/clock.ts'
import { type Connection, renderKubeconfig } from '../../api/kubeconfig.ts'
import { kubeletClientSigner, kubeletClientUsages } from '../../api/signers.ts'
import { nodesGroup, nodeUser } from '../../api/users.ts'
import { writeFileAtomic } from '../../host/files.ts'
import type { Logger } from '../../host/log.ts'
import { runRenewal } from './renewal.ts'
import { requestCertificate } from './request.ts'

/** Asks as whoever `client` is: a bootstrap token, or the node itself. */
export const requestClientCertificate = (
  client: Client,
  nodeName: string,
  log: Logger,
  signal: AbortSignal,
): Promise<KeyPair> =>
  requestCertificate(
    {
      ...{ client, log, signerName: kubeletClientSigner, usages: kubeletClientUsages },
      identity: { commonName: nodeUser(nodeName), organizations: [nodesGroup] },
    },
    signal,
  )

export const writeNodeKubeconfig = (file: string, nodeName: string, connection: Connection): Promise<void> =>
  writeFileAtomic(file, renderKubeconfig(nodeName, connection))

export interface ClientRotation {
  readonly client: Client
  readonly nodeName: string
  readonly file: string
  readonly connection: Connection
  /** Called when the file holds another one. */
  readonly onRenewed: () => Promise<void>
  readonly log: Logger
}

/** Renews it before it ends, until `signal` aborts. */
export const rotateClientCertificate = async (rotation: ClientRotation, signal: AbortSignal): Promise<void> => {
  const { client, nodeName, file, onRenewed, log } = rotation
  let connection = rotation.connection
  await runRenewal(
    {
      clock: systemClock,
      random: Math.random,
      current: () => connection.cert,
      renew: async () => {
        const pair = await requestClientCertificate(client, nodeName, log, signal)
        connection = { ...connection, ...pair }
        await writeNodeKubeconfig(file, nodeName, connection)
        await onRenewed()
        log.info('client certificate renewed')
      },
      onError: (error, retryInMs) => log.warn({ err: error, retryInMs }, 'cannot renew the client certificate'),
    },
    signal,
  )
}
