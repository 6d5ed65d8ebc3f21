/** The path where agents dial in. A node is who its certificate says, and can be no other. */
import { WebSocketServer } from 'ws'
import { ApiError, badRequest } from '../../api/errors.ts'
import { membersOf } from '../../api/header-list.ts'
import { tunnelPath, tunnelProtocol, tunnelSocketOptions } from '../../api/tunnel/web-socket.ts'
import { nodeOf } from '../auth/user.ts'
import type { Handler } from '../server/call.ts'
import type { Tunnels } from './tunnels.ts'

/** Answers a node's GET with the end of its tunnel. */
export const acceptTunnel = (tunnels: Pick<Tunnels, 'add'>): Handler => {
  const server = new WebSocketServer({ ...tunnelSocketOptions, noServer: true, clientTracking: false })
  return ({ user, header }) => {
    const node = nodeOf(user)
    if (node === undefined)
      throw new ApiError(
        403,
        'Forbidden',
        `forbidden: User ${JSON.stringify(user.name)} is no node, and cannot get path "${tunnelPath}"`,
        {},
      )
    if (!membersOf(header('sec-websocket-protocol')).includes(tunnelProtocol))
      throw badRequest(`a tunnel speaks the WebSocket protocol ${tunnelProtocol}`)
    return {
      kind: 'upgraded',
      take: ({ request, socket, head }) =>
        server.handleUpgrade(request, socket, head, (found) => tunnels.add(node, found)),
      refuse: () => undefined,
    }
  }
}
