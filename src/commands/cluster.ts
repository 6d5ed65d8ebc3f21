import { type Client, createClient } from '../api/client.ts'
import type { ConnectionsOptions } from '../api/connections.ts'
import { createHttpTransport, type HttpTransport } from '../api/http-transport.ts'
import { readKubeconfig } from '../api/kubeconfig.ts'
import type { ClusterAccess } from './cluster-options.ts'
import { findKubeconfig } from './kubeconfig.ts'

/** Asks the cluster that the options name; the connection ends with the question. */
export const withCluster = async <T>(
  { kubeconfig, lab }: ClusterAccess,
  ask: (client: Client, transport: HttpTransport) => Promise<T>,
  connections: ConnectionsOptions = {},
): Promise<T> => {
  const transport = createHttpTransport(await readKubeconfig(kubeconfig ?? (await findKubeconfig(lab))), connections)
  try {
    return await ask(createClient(transport), transport)
  } finally {
    await transport.close()
  }
}
