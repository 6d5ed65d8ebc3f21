/** Pods that come and go: HTTP servers on addresses of their own and one port. A pod that stops ends as Node's servers do. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { freePort } from '../../../support/free-port.ts'

const { addresses }: { addresses: readonly string[] } = JSON.parse(process.argv[2] ?? '')
const port = await freePort()
const servers = new Map<string, Server>()

const start = async (address: string): Promise<void> => {
  const server = createServer((_, response) => response.end('x'.repeat(100))).listen(port, address)
  await once(server, 'listening')
  servers.set(address, server)
}

process.on('message', async ({ start: added, stop }: { start?: string; stop?: string }) => {
  if (added !== undefined) await start(added)
  if (stop !== undefined) servers.get(stop)?.close()
  process.send?.('done')
})
process.on('disconnect', () => process.exit())
await Promise.all(addresses.map(start))
process.send?.(port)
