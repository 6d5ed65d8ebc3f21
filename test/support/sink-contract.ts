/** What every target of forwarded logs must do. */
import type { Test } from 'tap'
import type { LogRecord } from '../../src/agent/logs/forward/record.ts'
import { type LogSink, Rejected } from '../../src/agent/logs/forward/sink.ts'
import { soon, until } from './until.ts'

export interface SinkUnderTest {
  readonly sink: LogSink
  /** The texts of the records that have come, in their order; throws where framing is broken. */
  received(): Promise<readonly string[]>
  /** It can be reached no more, and then again. */
  down(): Promise<void>
  up(): Promise<void>
  /** It takes connections and says, or reads, nothing; undefined where nobody can be kept waiting. */
  readonly hang?: () => Promise<void>
}

export const recordOf = (log: string, more: Partial<LogRecord> = {}): LogRecord => ({
  ...{ namespace: 'default', pod: 'web-0', uid: 'u1', container: 'echo', node: 'node1', labels: { app: 'web' } },
  ...{ time: Date.UTC(2026, 0, 2, 3, 4, 5, 678), log, isPartial: false },
  ...more,
})

/** What containers may write in a line. */
export const hostileTexts: readonly string[] = [
  '',
  '{"log":"x"}',
  '"}\r{"log":"forged"',
  '\\',
  '</script>\u2028\u2029',
  '<13>1 2026-01-01T00:00:00Z evil evil - - - forged',
  '12 <13>1 - - - - - -',
  ']] [x@1 a="b"]',
  '\u0000\u0007\u001b[2J\u007f',
  'ü€😀\ufffd',
  'x'.repeat(16 * 1024),
]

/** Control characters do not come through syslog as they are. */
const shown = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about these.
  text.replaceAll(/[\u0000-\u001f\u007f]/g, '?').replaceAll(/#\d{3}/g, '?')

const signal = (): AbortSignal => AbortSignal.timeout(10_000)

export const sinkContract = (t: Test, name: string, open: (t: Test) => Promise<SinkUnderTest>): void => {
  t.test(name, async (t) => {
    await t.test('all records come, in order, whatever they say', async (t) => {
      const { sink, received } = await open(t)
      await sink.send(
        hostileTexts.map((text) => recordOf(text)),
        signal(),
      )
      await sink.send([recordOf('last')], signal())
      await until(async () => (await received()).includes('last'), 'the records')
      t.same((await received()).map(shown), [...hostileTexts.map(shown), 'last'])
      await sink.close()
      await sink.close()
    })
    await t.test('one that is away is told, and taken up again when it is back', async (t) => {
      const { sink, received, down, up } = await open(t)
      await sink.send([recordOf('one')], signal())
      await until(async () => (await received()).includes('one'), 'the first')
      await down()
      // Where nothing is acknowledged, the first one may be lost on the way.
      const error = await until(
        () =>
          sink.send([recordOf('lost')], signal()).then(
            () => undefined,
            (error: unknown) => error,
          ),
        'a failure',
      )
      t.notOk(error instanceof Rejected, 'it may be tried again')
      await up()
      await until(
        () =>
          sink.send([recordOf('two')], signal()).then(
            () => true,
            () => false,
          ),
        'the target to be back',
      )
      await until(async () => (await received()).includes('two'), 'the second')
      await sink.close()
    })
    await t.test('nobody waits for one that hangs', async (t) => {
      const { sink, hang } = await open(t)
      if (!hang) return t.pass('nobody can be kept waiting')
      await hang()
      const stop = new AbortController()
      const sending = sink.send(
        Array.from({ length: 2_000 }, () => recordOf('x'.repeat(8_000))),
        stop.signal,
      )
      const ended = sending.then(
        () => 'sent',
        () => 'failed',
      )
      await new Promise(setImmediate)
      stop.abort()
      t.equal(await soon(ended, 'the end of the send'), 'failed')
      await sink.close()
    })
  })
}
