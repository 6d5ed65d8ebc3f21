/** How parts come to the place of another process' ones, and leave it: alone, and those that belong together. */
import t from 'tap'
import { holdParts } from '../../../../src/agent/parts/hold-parts.ts'
import type { Part, Succession } from '../../../../src/agent/parts/part.ts'
import type { Takeover } from '../../../../src/agent/takeover.ts'
import { aborted } from '../../../../src/api/clock.ts'
import { turns } from '../../../support/until.ts'

/** A part that is claimed, and all that happens to it, in order. */
const open = ({ hasOthers = false }: { readonly hasOthers?: boolean } = {}) => {
  const happened: string[] = []
  const taken = new AbortController()
  const stop = new AbortController()
  const takeover: Pick<Takeover, 'claim'> = {
    claim: async (name) => {
      happened.push(`claim ${name}`)
      return {
        signal: taken.signal,
        hasOthers: async () => hasOthers,
        replaceOthers: async () => void happened.push('replace others'),
        end: async () => void happened.push('end'),
      }
    },
  }
  const hold = (part: Omit<Part, 'name'>) =>
    holdParts({ ...takeover, close: async () => undefined }, [{ name: 'dns', ...part }], stop.signal)
  /** Runs until it is to end. */
  const run: Part['run'] = async (signal, { alone }) => {
    happened.push('run')
    void alone.then(() => happened.push('alone'))
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    happened.push('ran')
  }
  return { happened, taken, stop, hold, run }
}

t.test('a part that cannot serve beside another one begins when that one has ended', async (t) => {
  const { happened, stop, hold, run } = open({ hasOthers: true })
  const held = hold({ isWarm: false, run })
  await turns()
  t.same(happened, ['claim dns', 'replace others', 'run', 'alone'])
  stop.abort()
  await held
  t.same(happened.slice(4), ['ran', 'end'])
})

t.test('a part that can begins before the other one ends, which it does once this one serves', async (t) => {
  const { happened, taken, hold, run } = open({ hasOthers: true })
  let onReady = (): void => undefined
  const held = hold({
    isWarm: true,
    run: (signal, succession) => {
      onReady = succession.onReady
      return run(signal, succession)
    },
  })
  await turns()
  t.same(happened, ['claim dns', 'run'])
  onReady()
  await turns()
  t.same(new Set(happened.slice(2)), new Set(['alone', 'replace others']))
  taken.abort()
  await held
  t.same(happened.slice(4), ['ran', 'end'], 'another process takes it')
})

t.test('where there is no other, nobody is waited for', async (t) => {
  const { happened, stop, hold, run } = open()
  const held = hold({ isWarm: true, run })
  await turns()
  t.same(new Set(happened), new Set(['claim dns', 'run', 'alone', 'replace others']))
  stop.abort()
  await held
})

t.test('one that is taken while it waits ends nobody', async (t) => {
  const { happened, taken, hold, run } = open({ hasOthers: true })
  const held = hold({ isWarm: true, run })
  await turns()
  taken.abort()
  await held
  t.notOk(happened.includes('replace others'))
  t.equal(happened.at(-1), 'end')
})

t.test('one that fails gives its claim back, and one that is stopped at once never begins', async (t) => {
  const failing = open()
  await t.rejects(
    failing.hold({ isWarm: false, run: () => Promise.reject(new Error('address in use')) }),
    /address in use/,
  )
  t.equal(failing.happened.at(-1), 'end')
  const stopped = open()
  stopped.stop.abort()
  await stopped.hold({ isWarm: false, run: stopped.run })
  t.same(stopped.happened, ['claim dns', 'end'])
})

/** Claims of which others have all, or none; what happens is told in its order. */
const openGroup = (others: boolean) => {
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

t.test('of a group, what can serve beside another process starts first, and is waited for', async (t) => {
  const { said, takeover, part, succession } = openGroup(true)
  const stop = new AbortController()
  const held = holdParts(takeover, [part('pods', false), part('dns', true)], stop.signal)
  const { onReady, alone } = await succession
  await turns()
  t.same(said, ['start dns'], 'the others run until it answers')
  onReady()
  await alone
  await turns()
  t.same(said, ['start dns', 'replace pods', 'replace dns', 'start pods'])
  stop.abort()
  await held
  t.same(said.slice(4).sort(), ['end dns', 'end pods', 'release dns', 'release pods'])
})

t.test('who takes one of a group takes them all', async (t) => {
  const { said, taken, takeover, part } = openGroup(false)
  const held = holdParts(takeover, [part('network', false), part('pods', false)], new AbortController().signal)
  await turns()
  taken.abort()
  await held
  t.same(said.slice(-4).sort(), ['end network', 'end pods', 'release network', 'release pods'])
})

t.test('one of a group that fails leaves none of the others behind', async (t) => {
  const { said, takeover, part } = openGroup(false)
  const fail = async (): Promise<void> => {
    throw new Error('no such device')
  }
  const held = holdParts(takeover, [part('network', false, fail), part('dns', true)], new AbortController().signal)
  await t.rejects(held, { message: 'no such device' })
  t.same(said.slice(-3).sort(), ['end dns', 'release dns', 'release network'])
})
