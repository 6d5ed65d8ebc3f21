import { type Client, createClient } from '../api/client.ts'
import { openInClusterTransport, openTransport } from '../api/http-transport.ts'

export interface OpenedClient {
  readonly client: Client
  close(): Promise<void>
}

/**
 * As whom the kubeconfig says, or without one as the ServiceAccount of the pod that this process runs in. Tokens and certificates
 * that are rotated are read anew.
 */
export const openClient = async (kubeconfig = process.env['KUBECONFIG']): Promise<OpenedClient> => {
  const { transport } = await (kubeconfig ? openTransport(kubeconfig) : openInClusterTransport())
  return { client: createClient(transport), close: transport.close }
}
