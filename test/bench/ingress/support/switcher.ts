/** A backend that switches protocols whenever it is asked, and then says nothing. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

const answer = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

const server = createServer((socket) => {
  socket.once('data', () => socket.write(answer)).on('error', () => {})
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
await once(server, 'listening')
process.on('disconnect', () => process.exit())
process.send?.((server.address() as AddressInfo).port)
