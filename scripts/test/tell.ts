/** Tells which files run and how they ended: a changing last line on a terminal, plain lines elsewhere. */
import { countsText } from './count.ts'
import type { Outcome } from './run-file.ts'

export interface Teller {
  started(file: string): void
  ended(outcome: Outcome): void
  close(): void
}

const tickMs = 1_000
/** Where lines stay, they are few. */
const plainTickMs = 15_000

const secondsSince = (started: number): string => `${Math.round((performance.now() - started) / 1_000)} s`

export const createTeller = (): Teller => {
  const running = new Map<string, number>()
  const isTerminal = process.stdout.isTTY
  const clear = isTerminal ? '\r\x1b[K' : ''
  const tell = (): void => {
    const now = [...running].map(([file, started]) => `${file} (${secondsSince(started)})`).join(', ')
    if (isTerminal) process.stdout.write(`${clear}${`running: ${now}`.slice(0, process.stdout.columns - 1)}`)
    else if (now !== '') console.log(`running: ${now}`)
  }
  const timer = setInterval(tell, isTerminal ? tickMs : plainTickMs)
  timer.unref()
  return {
    started: (file) => {
      running.set(file, performance.now())
    },
    ended: ({ file, seconds, counts, trouble }) => {
      running.delete(file)
      const mark = trouble === '' ? 'ok    ' : 'FAILED'
      process.stdout.write(`${clear}${mark} ${seconds.toFixed(1).padStart(6)} s  ${file}: ${countsText(counts)}\n`)
    },
    close: () => {
      clearInterval(timer)
      process.stdout.write(clear)
    },
  }
}
