/** Orders to a running lab: one JSON line over its command socket, one JSON line back. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import type { HostState, LabPhase } from './state.ts'

export type Order =
  | { readonly do: 'status' }
  /** Ends a host's processes at once and takes it off the network; with `agent` only its daemon. Nothing restarts it. */
  | { readonly do: 'kill'; readonly host: string; readonly agent: boolean }
  | { readonly do: 'revive'; readonly host: string }

export interface Report {
  readonly phase: LabPhase
  readonly problem?: string
  readonly hosts: readonly HostState[]
  /** Why the order has changed nothing; missing when it has, or asked for nothing. */
  readonly unchanged?: string
}

type Reply = { readonly report: Report } | { readonly error: string }

const parseOrder = (line: string): Order => {
  const order = JSON.parse(line) as Partial<Order>
  if (order.do === 'status') return { do: 'status' }
  if ((order.do !== 'kill' && order.do !== 'revive') || typeof order.host !== 'string')
    throw new Error(`not an order: ${line}`)
  return order.do === 'kill'
    ? { do: 'kill', host: order.host, agent: order.agent === true }
    : { do: 'revive', host: order.host }
}

/** Answers orders on `socketPath`. Those that change something are done one after another. */
export const serveOrders = async (socketPath: string, obey: (order: Order) => Promise<Report>): Promise<void> => {
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = (order: Order): Promise<Report> => {
    if (order.do === 'status') return obey(order)
    const done = last.then(() => obey(order))
    // Its sender is told of a failure; the next order is another matter.
    last = done.catch(() => undefined)
    return done
  }
  const answer = async (line: string): Promise<Report> => inTurn(parseOrder(line))
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    createInterface({ input: socket }).once('line', async (line) => {
      const reply: Reply = await answer(line).then(
        (report) => ({ report }),
        (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
      )
      socket.end(`${JSON.stringify(reply)}\n`)
    })
  })
  server.listen(socketPath)
  await once(server, 'listening')
}

/** Sends one order. Throws what the lab says against it, or when nobody answers. */
export const sendOrder = async (socketPath: string, order: Order): Promise<Report> => {
  const socket = connect(socketPath)
  socket.write(`${JSON.stringify(order)}\n`)
  const chunks: Buffer[] = []
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk)
  const reply = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Reply
  if ('error' in reply) throw new Error(reply.error)
  return reply.report
}
