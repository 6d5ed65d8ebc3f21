/** What every real runtime must do when somebody talks with what runs in it: in its sandbox `a`, with a container `main`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { ContainerRecord, ContainerSpec } from '../../src/agent/runtime/containers.ts'
import type { Runtime } from '../../src/agent/runtime/runtime.ts'
import { commandLines, exitOf } from './left-on-node.ts'
import { until } from './until.ts'

const commandIn = (runtime: Runtime) => (words: readonly string[], tty: boolean) =>
  runtime.streams.open('a_main_0', words, { stdin: true, tty })

/** A command at a terminal beside `main`, in whose environment GREETING is `greeting`. */
export const terminalContract = async (t: Test, runtime: Runtime, greeting: string): Promise<void> => {
  const command = commandIn(runtime)
  await t.test('a terminal: one output, an echo, a size that changes, keys that mean something', async (t) => {
    const script =
      'tty; echo "$GREETING $TERM"; trap "stty size" WINCH; while :; do read -r line; echo "got $line"; done'
    const shell = await command(['sh', '-c', script], true)
    t.equal(shell.stderr, undefined)
    let said = ''
    shell.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    await until(() => said.includes(`${greeting} xterm`), 'the first words')
    // Two terminals one behind the other may both make a line's end of it, before the first is raw.
    t.match(said, /^\/dev\/pts\/\d+\r+\n/)
    shell.stdin.write('typed\n')
    await until(() => said.includes('typed\r\ngot typed\r\n'), 'the echo, and the answer')
    shell.resize({ columns: 100, rows: 40 })
    shell.resize({ columns: 132, rows: 43 })
    await until(() => said.includes('43 132'), 'the new size')
    shell.stdin.write('\u0003')
    t.equal(await shell.ended, 130, 'interrupted from the keyboard')
  })
}

/** Commands beside `main`, in whose environment GREETING is `greeting`. */
export const commandContract = async (t: Test, runtime: Runtime, greeting: string): Promise<void> => {
  const command = commandIn(runtime)
  await terminalContract(t, runtime, greeting)

  await t.test('all of it ends when it is ended', async (t) => {
    for (const tty of [false, true]) {
      const shell = await command(['sh', '-c', 'trap "" HUP TERM; sleep 47110 & sleep 47111; echo no'], tty)
      const running = () => commandLines().filter((line) => /^sleep 4711[01] $/.test(line)).length
      await until(() => running() === 2, 'both')
      await shell.kill()
      t.equal(await shell.ended, 137)
      await until(() => running() === 0, 'their end')
    }
  })
}

export interface Talk {
  readonly runtime: Runtime
  /** Where the logs are, as `NAME.log`. */
  readonly folder: string
  readonly start: (name: string, command: readonly string[], more: Partial<ContainerSpec>) => Promise<ContainerRecord>
  /** What a shell at a terminal does when it is told to end, as a command of its own, and its code then. */
  readonly onTerm: { readonly script: string; readonly code: number }
}

/** Containers that somebody types into. */
export const inputContract = async (t: Test, { runtime, folder, start, onTerm }: Talk): Promise<void> => {
  const said = (name: string): string => readFileSync(join(folder, `${name}.log`), 'utf8')

  await t.test('stdin stays for the next user', async (t) => {
    await start('kept', ['cat'], { stdin: 'kept' })
    for (const word of ['one', 'two']) {
      const { stdin } = await runtime.streams.attach('a_kept_0')
      stdin.end(`${word}\n`)
      await until(() => said('kept').endsWith(`${word}\n`), word)
    }
    t.equal(await exitOf(runtime, 'a_kept_0'), undefined, 'it has seen no end')
  })

  await t.test('or ends with the first', async (t) => {
    await start('once', ['sh', '-c', 'cat; exit 4'], { stdin: 'once' })
    const { stdin } = await runtime.streams.attach('a_once_0')
    stdin.end(Buffer.alloc(300_000, 'x'))
    t.match(await until(() => exitOf(runtime, 'a_once_0'), 'its end'), { code: 4 })
    t.equal(said('once').length, 300_000)
  })

  await t.test('a terminal', async (t) => {
    const script = `tty; trap "stty size" WINCH; ${onTerm.script} while :; do read -r line; echo "got $line"; done`
    const started = await start('term', ['sh', '-c', script], { stdin: 'once', tty: true })
    t.equal(started.exit, undefined)
    await until(() => /^\/dev\/pts\/\d+\r\n/.test(said('term')), 'the terminal')
    const { stdin, resize } = await runtime.streams.attach('a_term_0')
    stdin.write('hello\n')
    await until(() => said('term').includes('got hello\r\n'), 'the answer')
    resize({ columns: 90, rows: 30 })
    await until(() => said('term').includes('30 90\r\n'), 'the size')
    await runtime.containers.signal('a_term_0', 'TERM')
    t.match(await until(() => exitOf(runtime, 'a_term_0'), 'its end'), { code: onTerm.code })
  })
}
