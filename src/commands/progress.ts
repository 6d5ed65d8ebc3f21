/** Tells people what is being waited for: one changing line on a terminal, plain lines elsewhere. */

export interface Step {
  /** What it is at now: `2 of 3 nodes ready`. */
  update(detail: string): void
  done(detail?: string): void
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
const colour = (code: number, text: string): string => `\u001b[${code}m${text}\u001b[0m`
const clearLine = '\r\u001b[K'

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const animated = (out: Terminal): Progress['step'] => {
  return (text) => {
    const started = Date.now()
    let detail = ''
    let frame = 0
    const draw = (): void => {
      const mark = colour(36, frames[frame++ % frames.length] ?? '')
      out.write(`${clearLine}${mark} ${text}${detail ? `: ${detail}` : ''} ${colour(2, seconds(Date.now() - started))}`)
    }
    const timer = setInterval(draw, frameMs)
    draw()
    return {
      update: (next) => {
        detail = next
        draw()
      },
      done: (last = detail) => {
        clearInterval(timer)
        const took = colour(2, seconds(Date.now() - started))
        out.write(`${clearLine}${colour(32, '✓')} ${text}${last ? `: ${last}` : ''} ${took}\n`)
      },
    }
  }
}

const plain =
  (out: Terminal): Progress['step'] =>
  (text) => {
    const started = Date.now()
    let detail = ''
    out.write(`${text} ...\n`)
    return {
      update: (next) => {
        if (next !== detail) out.write(`${text}: ${next}\n`)
        detail = next
      },
      done: (last = '') => out.write(`${text}: ${last || 'done'} (${seconds(Date.now() - started)})\n`),
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
        current.done(out.isTTY ? colour(31, 'failed') : 'failed')
        throw error
      }
    },
  }
}
