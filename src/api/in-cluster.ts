/** How a process in a pod reaches the API server of its own cluster: as the pod's ServiceAccount. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { joinHostPort } from '../ip/address.ts'
import type { Connection } from './kubeconfig.ts'

/** Where every pod has the token of its ServiceAccount and the authority of the API server. */
const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Throws with what is missing, as outside of pods. */
export const readInClusterConnection = async (
  env: NodeJS.ProcessEnv = process.env,
  folder = accountFolder,
): Promise<Connection> => {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env
  if (!host || !port)
    throw new Error('no KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT: not in a pod; give a kubeconfig')
  const [ca, token] = await Promise.all(['ca.crt', 'token'].map((file) => readFile(join(folder, file), 'utf8')))
  return { server: `https://${joinHostPort(host, port)}`, ca, token: token?.trim() }
}
