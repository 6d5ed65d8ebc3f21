/** Connections to ports of pods, which their nodes' agents make: the control plane need not have a way to pods. */
import type { Duplex } from 'node:stream'
import { requestOver, startOf } from './agent-request.ts'
import type { Dialer } from './dialer.ts'

export interface PodPort {
  readonly node: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly port: number
}

const connectMs = 15_000

/** Rejects with the agent's reason when there is no connection. */
export const dialPod = async (dialer: Dialer, pod: PodPort, signal: AbortSignal): Promise<Duplex> => {
  const { node, namespace, name, uid, port } = pod
  const connection = await dialer.open(node, signal)
  const path = `/dial/${[namespace, name, uid, port].map(encodeURIComponent).join('/')}`
  const headers = { host: node, connection: 'Upgrade', upgrade: 'tcp' }
  const { code, body, upgraded } = await requestOver(connection, { method: 'GET', path, headers }, signal, connectMs)
  if (!upgraded) throw new Error((await startOf(body, 1024)) || `the agent of node ${node} answered ${code}`)
  const { socket, head } = upgraded
  if (head.length > 0) socket.unshift(head)
  return socket
}
