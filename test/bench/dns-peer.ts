/** The peer of the DNS bench, in a process of its own: dns2's server over a plain map. Says its port on stdout. */
import { createUDPServer, Packet } from 'dns2'

const count = Number(process.argv[2] ?? 1000)
const addresses = new Map(
  Array.from({ length: count }, (_, n) => [`s${n}.default.svc.cluster.local`, `10.96.${n >> 8}.${n & 255}`]),
)

const server = createUDPServer((request, send) => {
  const response = Packet.createResponseFromRequest(request)
  const name = request.questions[0]?.name ?? ''
  const address = addresses.get(name)
  if (address !== undefined)
    // dns2's types know no address record.
    response.answers.push({ name, type: Packet.TYPE.A, class: Packet.CLASS.IN, ttl: 30, address } as never)
  send(response)
})
server.on('listening', () => console.log(server.address().port))
server.listen(0, '127.0.0.1')
