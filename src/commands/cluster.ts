import { type Client, createClient } from '../api/client.ts'
import { createHttpTransport } from '../api/http-transport.ts'
import { readKubeconfig } from '../api/kubeconfig.ts'
import type { ClusterAccess } from './cluster-options.ts'
import { findKubeconfig } from './kubeconfig.ts'

/** Asks the cluster that the options name; the connection ends with the question. */
export const withCluster = async <T>(
  { kubeconfig, lab }: ClusterAccess,
  ask: (client: Client) => Promise<T>,
): Promise<T> => {
  const transport = createHttpTransport(await readKubeconfig(kubeconfig ?? (await findKubeconfig(lab))))
  try {
    return await ask(createClient(transport))
  } finally {
    await transport.close()
  }
}
