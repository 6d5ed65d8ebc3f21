/** A target in memory: strict about its contract, and as difficult as a test wants. */
import type { LogRecord } from './record.ts'
import { type LogSink, Rejected } from './sink.ts'

export interface FakeSink extends LogSink {
  readonly records: readonly LogRecord[]
  /** How often it was asked. */
  readonly sends: number
  /** What it does from now on; `hangs` answers nothing before the signal aborts. */
  behave(how: 'takes' | 'fails' | 'hangs' | ((record: LogRecord) => 'takes' | 'rejects')): void
}

export const createFakeSink = (name = 'fake'): FakeSink => {
  const records: LogRecord[] = []
  let how: Parameters<FakeSink['behave']>[0] = 'takes'
  let sends = 0
  let isBusy = false
  let isClosed = false

  const decide = async (batch: readonly LogRecord[], signal: AbortSignal): Promise<void> => {
    if (how === 'hangs') await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    if (signal.aborted) throw new Error('aborted')
    if (how === 'fails') throw new Error('the fake target is down')
    if (typeof how === 'function' && batch.some((record) => typeof how === 'function' && how(record) === 'rejects'))
      throw new Rejected('the fake target rejects a record')
    records.push(...batch)
  }

  return {
    ...{ name, records },
    get sends() {
      return sends
    },
    behave: (next) => {
      how = next
    },
    send: async (batch, signal) => {
      if (isBusy) throw new Error('sends must not overlap')
      if (isClosed) throw new Error('the sink is closed')
      if (batch.length === 0) throw new Error('there is nothing to send')
      isBusy = true
      sends++
      await decide(batch, signal).finally(() => {
        isBusy = false
      })
    },
    close: async () => {
      isClosed = true
    },
  }
}
