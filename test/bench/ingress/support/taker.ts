/** A backend that takes bodies as fast as it can, and answers when one is complete. Raw: it must not be what is measured. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'

/** Bytes of the message that `head` begins, the head included. */
const lengthOf = (head: string): number =>
  head.indexOf('\r\n\r\n') + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)

const server = createServer({ noDelay: true }, (socket) => {
  let left = 0
  socket.on('data', (bytes) => {
    if (left === 0) left = lengthOf(bytes.toString('latin1', 0, 4096))
    left -= bytes.length
    if (left === 0) socket.write(answer)
  })
  socket.on('error', () => {})
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.on('disconnect', () => process.exit())
process.send?.((server.address() as AddressInfo).port)
