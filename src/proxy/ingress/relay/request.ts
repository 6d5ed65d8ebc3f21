/** The way of one request from its head to a decision, and the note of how it went. Of every HTTP alike. */
import type { Asking } from '../decide/asking.ts'
import { type Decision, decide, dressed } from '../decide/decide.ts'
import { createDraft } from '../decide/draft.ts'
import type { Plan } from '../decide/plan.ts'
import { type Prepared, prepare } from '../decide/prepare.ts'
import { isRefusal } from '../http/refusal.ts'
import type { RequestHead } from '../http/request-head.ts'
import { plainReply, type Reply } from '../http/response-text.ts'
import { match } from '../routes/match.ts'
import type { Route } from '../routes/rule.ts'
import type { Connection } from './connection.ts'
import type { RelayContext } from './context.ts'
import type { Outcome } from './exchange.ts'
import { viaForwarded } from './forwarded.ts'

/** What nginx logs for it. */
const clientGone = 499

export interface RequestOwner {
  reply(reply: Reply): void
  forward(plan: Plan): void
  refused(status: number, why: string): void
  /** A mistake of ours has ended it. */
  broke(error: unknown): void
  /** The decision takes a while. */
  waits(): void
}

export interface RunningRequest {
  /** Decides, and tells the owner, at once or later; never after `ended`. To be called once. Throws for mistakes of ours. */
  begin(): void
  /** The proxy itself answers: what the client gets, which is `reply` with the fields of its route. */
  answers(reply: Reply): Reply
  /** The request is over; to be called once. */
  ended(outcome: Outcome | undefined): void
}

const askingOf = (head: RequestHead, connection: Connection, relay: RelayContext): Asking => {
  const { via, viaText, proof } = connection
  const clients = connection.clientsOf(head.host)
  if (!connection.trusted) return { request: head, via, viaText, proof, clients }
  return { request: head, proof, clients, ...viaForwarded(head, via, relay.isTrusted) }
}

export const createRequest = (
  head: RequestHead,
  connection: Connection,
  relay: RelayContext,
  owner: RequestOwner,
): RunningRequest => {
  const started = relay.clock.now()
  const asking = askingOf(head, connection, relay)
  let route: Route | undefined
  let prepared: Prepared | undefined
  const draft = createDraft()
  let own: Reply | undefined
  let isOver = false

  /** What the steps have taken. */
  const giveBack = (): void => {
    while (draft.finally.length > 0) draft.finally.pop()?.()
  }

  const act = ({ reply, plan }: Decision): void => {
    if (isOver) giveBack()
    else if (plan) owner.forward(plan)
    else owner.reply(reply)
  }

  const begin = (): void => {
    let made: Decision | Promise<Decision>
    relay.heartbeat?.begins(head.host, head.path)
    try {
      if (connection.misdirects(head.host))
        return owner.reply(plainReply(421, 'this connection was made for another host'))
      route = match(connection.table, head, connection)
      if (route === undefined) return owner.reply(plainReply(404, 'no route for this host and path'))
      prepared = prepare(route)
      made = decide(route, prepared, asking, draft, relay)
    } catch (error) {
      if (!isRefusal(error)) throw error
      return owner.refused(error.status, error.message)
    } finally {
      relay.heartbeat?.ends()
    }
    if (!(made instanceof Promise)) return act(made)
    owner.waits()
    made.then(act).catch((error: unknown) => {
      if (isOver) giveBack()
      if (!isRefusal(error)) owner.broke(error)
      else if (!isOver) owner.refused(error.status, error.message)
    })
  }

  return {
    begin,
    answers: (reply) => {
      own = prepared ? dressed(prepared, draft, asking, reply) : reply
      return own
    },
    ended: (outcome) => {
      if (isOver) return
      isOver = true
      giveBack()
      relay.observe({
        origin: route?.origin,
        request: head,
        via: asking.via,
        logged: route?.policy.accessLog ?? true,
        // Nothing was answered: the client has gone first.
        status: own?.status ?? (outcome?.status || clientGone),
        sent: own ? own.body.length : (outcome?.sent ?? 0),
        duration: relay.clock.now() - started,
        endpoint: outcome?.endpoint ?? '',
        tries: outcome?.tries ?? 0,
      })
    },
  }
}
