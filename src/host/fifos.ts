/** FIFOs, made by mkfifo(1), and pipes for what a program says. */
import { closeSync, constants, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runBounded } from './bounded.ts'

const timeoutMs = 10_000
const maxOutputBytes = 1024

/** Rejects when they cannot be made. */
export const makeFifos = async (files: readonly string[], mode: string): Promise<void> => {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' }
  const { exitCode, output } = await runBounded('mkfifo', ['-m', mode, ...files], { timeoutMs, maxOutputBytes, env })
  if (exitCode !== 0) throw new Error(`cannot make ${files.join(' ')}: ${output.trim()}`)
}

/** One pipe: what we read, and the descriptor for the program, to be closed as soon as it has it. */
export interface OutputPipe {
  readonly source: Socket
  readonly target: number
}

/**
 * For output that the program may open a second time, as `/dev/stdout`: Node's own are sockets, which nobody can. They stand in
 * the file system for a moment, in a folder of ours; whoever the program runs as may open them.
 */
export const openOutputPipes = async (count: number): Promise<readonly OutputPipe[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-pipes-'))
  try {
    const files = Array.from({ length: count }, (_each, at) => join(folder, String(at)))
    await makeFifos(files, '666')
    return files.map((file) => {
      // The reader first: without one the writer would wait for it.
      const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
      return { source: new Socket({ fd, readable: true, writable: false }), target: openSync(file, 'w') }
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export const closeTargets = (pipes: readonly OutputPipe[]): void => {
  for (const { target } of pipes) closeSync(target)
}
