/** Connects a command, or the output of a container, with its user. */
import type { Readable, Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { drained } from '../../host/drained.ts'
import type { ContainerInput, RunningCommand } from '../runtime/streams.ts'
import { exitStatus, failureStatus, type RemoteChannels } from './remote-channels.ts'

/** What a command that has ended leaves open, a process of its own holds: it is waited for no longer than it is silent. */
const silenceMs = 250

interface Flow {
  /** Resolves when all was passed on, or the command has ended and nothing more comes. */
  drained(): Promise<void>
}

const flow = (source: Readable | undefined, target: Writable | undefined): Flow => {
  if (!source) return { drained: async () => undefined }
  let isOver = false
  let seen = 0
  source.once('close', () => {
    isOver = true
  })
  source.on('error', () => undefined)
  if (target) {
    source.on('data', () => {
      seen++
    })
    source.pipe(target, { end: false })
    target.once('close', () => source.unpipe(target).resume())
  } else source.resume()
  const drained = async (): Promise<void> => {
    for (let before = -1; !isOver; ) {
      const isHeldUp = target !== undefined && !target.destroyed && target.writableNeedDrain
      if (!isHeldUp && seen === before) break
      before = seen
      await pause(silenceMs)
    }
    source.destroy()
  }
  return { drained }
}

/** Until the command has ended, which it does at the latest when its user is gone. */
export const serveCommand = async (command: RunningCommand, channels: RemoteChannels): Promise<void> => {
  const { stdin, gone } = channels
  const kill = (): void => void command.kill()
  gone.addEventListener('abort', kill, { once: true })
  if (gone.aborted) kill()
  const outputs = [flow(command.stdout, channels.stdout), flow(command.stderr, channels.stderr)]
  if (stdin) stdin.pipe(command.stdin)
  channels.onResize(command.resize)
  const code = await command.ended
  gone.removeEventListener('abort', kill)
  stdin?.unpipe(command.stdin).resume()
  await Promise.all(outputs.map(({ drained }) => drained()))
  channels.finish(exitStatus(code))
}

/** The output of a container that runs already, until it ends or the user is gone; what its user types goes to `stdin`. */
export const serveOutput = async (
  output: AsyncIterable<Uint8Array>,
  { stdin, resize }: ContainerInput,
  channels: RemoteChannels,
): Promise<void> => {
  const { stdout } = channels
  channels.stdin?.pipe(stdin)
  channels.onResize(resize)
  try {
    for await (const bytes of output) {
      if (channels.gone.aborted) break
      if (stdout && !stdout.write(bytes) && !stdout.destroyed) await drained(stdout)
    }
    channels.finish(exitStatus(0))
  } catch (error) {
    channels.finish(failureStatus(error instanceof Error ? error.message : String(error)))
  } finally {
    stdin.end()
  }
}
