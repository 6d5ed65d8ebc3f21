/** Parts come to the place of another process' ones. */
import t from 'tap'
import { holdParts } from '../../../../src/agent/parts/hold-parts.ts'
import type { Part, Succession } from '../../../../src/agent/parts/part.ts'
import type { Takeover } from '../../../../src/agent/takeover.ts'
import { aborted } from '../../../../src/api/clock.ts'

/** Claims of which others have all, or none; what happens is told in its order. */
const start = (others: boolean) => {
  const said: string[] = []
  const taken = new AbortController()
  const takeover: Takeover = {
    claim: async (part) => ({
      signal: taken.signal,
      hasOthers: async () => others,
      replaceOthers: async () => void said.push(`replace ${part}`),
      end: async () => void said.push(`release ${part}`),
    }),
    close: async () => undefined,
  }
  const succession = Promise.withResolvers<Succession>()
  const part = (name: Part['name'], isWarm: boolean, run: Part['run'] = aborted): Part => ({
    ...{ name, isWarm },
    run: async (signal, given) => {
      said.push(`start ${name}`)
      if (isWarm) succession.resolve(given)
      await run(signal, given)
      said.push(`end ${name}`)
    },
  })
  return { said, taken, takeover, part, succession: succession.promise }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

t.test('what can serve beside another process starts first, and is waited for', async (t) => {
  const { said, takeover, part, succession } = start(true)
  const stop = new AbortController()
  const held = holdParts(takeover, [part('pods', false), part('dns', true)], stop.signal)
  const { onReady, alone } = await succession
  await settle()
  t.same(said, ['start dns'], 'the others run until it answers')
  onReady()
  await alone
  await settle()
  t.same(said, ['start dns', 'replace pods', 'replace dns', 'start pods'])
  stop.abort()
  await held
  t.same(said.slice(4).sort(), ['end dns', 'end pods', 'release dns', 'release pods'])
})

t.test('where nobody serves nothing is waited for', async (t) => {
  const { said, takeover, part } = start(false)
  const stop = new AbortController()
  const held = holdParts(takeover, [part('dns', true), part('pods', false)], stop.signal)
  await settle()
  await settle()
  t.ok(said.includes('start pods'))
  stop.abort()
  await held
})

t.test('who takes one takes them all', async (t) => {
  const { said, taken, takeover, part } = start(false)
  const held = holdParts(takeover, [part('network', false), part('pods', false)], new AbortController().signal)
  await settle()
  await settle()
  taken.abort()
  await held
  t.same(said.slice(-4).sort(), ['end network', 'end pods', 'release network', 'release pods'])
})

t.test('one that fails leaves none of the others behind', async (t) => {
  const { said, takeover, part } = start(false)
  const fail = async (): Promise<void> => {
    throw new Error('no such device')
  }
  const held = holdParts(takeover, [part('network', false, fail), part('dns', true)], new AbortController().signal)
  await t.rejects(held, { message: 'no such device' })
  t.same(said.slice(-3).sort(), ['end dns', 'release dns', 'release network'])
})
