/** Clients of WebSockets: opens as many more as it is asked to, and says when all of them are open. */
import { once } from 'node:events'
import { connect } from 'node:net'

const { port, host }: { port: number; host: string } = JSON.parse(process.argv[2] ?? '')
const batch = 100

const request = [
  ...['GET /chat HTTP/1.1', `Host: ${host}`, 'Connection: Upgrade', 'Upgrade: websocket'],
  ...['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''],
].join('\r\n')

const openOne = async (): Promise<void> => {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(request)
  const [answer] = await once(socket, 'data')
  if (!String(answer).startsWith('HTTP/1.1 101 ')) throw new Error(`no WebSocket: ${answer}`)
  socket.on('close', () => {
    throw new Error('a WebSocket was closed')
  })
}

process.on('message', async ({ open }: { open: number }) => {
  for (let left = open; left > 0; left -= batch)
    await Promise.all(Array.from({ length: Math.min(batch, left) }, openOne))
  process.send?.('open')
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
