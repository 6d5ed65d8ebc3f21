import { coloured, terminalLine } from '../host/terminal.ts'

/** Tells people what is being waited for: one changing line on a terminal, plain lines elsewhere. */

export interface Step {
  /** What it is at now: `2 of 3 nodes ready`. */
  update(detail: string): void
  done(detail?: string): void
  failed(): void
}

export interface Progress {
  /** Begins a step; ends the one before as failed when it was not done. */
  step(text: string): Step
  /** Runs `work` as a step: done when it resolves, failed when it rejects. */
  run<T>(text: string, work: (step: Step) => Promise<T>): Promise<T>
}

interface Terminal {
  readonly isTTY?: boolean
  write(text: string): unknown
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const frameMs = 100
const clearLine = '\r\u001b[K'

const line = (text: string, detail: string): string => terminalLine(detail ? `${text}: ${detail}` : text)

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const animated = (out: Terminal): Progress['step'] => {
  return (text) => {
    const started = Date.now()
    let detail = ''
    let frame = 0
    const draw = (): void => {
      const mark = coloured(36, frames[frame++ % frames.length] ?? '')
      out.write(`${clearLine}${mark} ${line(text, detail)} ${coloured(2, seconds(Date.now() - started))}`)
    }
    const timer = setInterval(draw, frameMs)
    const end = (mark: string, last: string): void => {
      clearInterval(timer)
      const took = coloured(2, seconds(Date.now() - started))
      out.write(`${clearLine}${mark} ${terminalLine(text)}${last ? `: ${last}` : ''} ${took}\n`)
    }
    draw()
    return {
      update: (next) => {
        detail = next
        draw()
      },
      done: (last = detail) => end(coloured(32, '✓'), terminalLine(last)),
      failed: () => end(coloured(31, '✗'), coloured(31, 'failed')),
    }
  }
}

const plain =
  (out: Terminal): Progress['step'] =>
  (text) => {
    const started = Date.now()
    let detail = ''
    const end = (last: string): void => void out.write(`${line(text, last)} (${seconds(Date.now() - started)})\n`)
    out.write(`${terminalLine(text)} ...\n`)
    return {
      update: (next) => {
        if (next !== detail) out.write(`${line(text, next)}\n`)
        detail = next
      },
      done: (last = '') => end(last || 'done'),
      failed: () => end('failed'),
    }
  }

export const createProgress = (out: Terminal = process.stderr): Progress => {
  const step = out.isTTY ? animated(out) : plain(out)
  return {
    step,
    run: async (text, work) => {
      const current = step(text)
      try {
        const result = await work(current)
        current.done()
        return result
      } catch (error) {
        current.failed()
        throw error
      }
    },
  }
}
