/** An extender on the loopback interface that answers as it is told. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { isJsonObject, type JsonObject } from '../../../../src/api/json.ts'
import {
  defaultSettings,
  type ExtenderSettings,
  type SchedulerSettings,
} from '../../../../src/control/scheduler/config/settings.ts'

/** An object is its answer in JSON; a function writes the answer itself, or none. */
export type Behaviour = object | ((response: ServerResponse) => void)

export interface FakeExtender {
  readonly url: string
  /** What is answered to a verb from now on. */
  answer(verb: string, behaviour: Behaviour): void
  /** What was asked. */
  asked(verb: string): readonly JsonObject[]
}

/** Answers in the light of the question. */
export const knowing = (of: (asked: JsonObject) => object) => ({ of })

export const startExtender = async (t: Test): Promise<FakeExtender> => {
  const behaviours = new Map<string, Behaviour>()
  const questions = new Map<string, JsonObject[]>()
  const server = createServer(async (request, response) => {
    const verb = (request.url ?? '').slice(1)
    const question: unknown = JSON.parse(await text(request))
    if (isJsonObject(question)) questions.set(verb, [...(questions.get(verb) ?? []), question])
    const behaviour = behaviours.get(verb)
    if (typeof behaviour === 'function') return behaviour(response)
    const answer =
      behaviour && 'of' in behaviour && typeof behaviour.of === 'function' ? behaviour.of(question) : behaviour
    response.writeHead(behaviour ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    answer: (verb, behaviour) => void behaviours.set(verb, behaviour),
    asked: (verb) => questions.get(verb) ?? [],
  }
}

export const extenderAt = (url: string, more: Partial<ExtenderSettings> = {}): ExtenderSettings => ({
  ...{ urlPrefix: url, filterVerb: '', prioritizeVerb: '', preemptVerb: '', bindVerb: '', weight: 1, tls: {} },
  ...{ timeoutMs: 5_000, nodeCacheCapable: true, managedResources: [], ignorable: false },
  ...more,
})

export const withExtenders = (...extenders: readonly ExtenderSettings[]): SchedulerSettings => ({
  ...defaultSettings,
  backoffMs: { base: 200, max: 500 },
  extenders,
})
