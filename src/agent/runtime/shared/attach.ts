/** The stdin of containers: a FIFO, whose other end its shim holds open until it may end. */
import { constants, openSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { makeFifos } from '../../../host/fifos.ts'
import { isRunning, signalProcess } from '../../../host/process.ts'
import type { ContainerInput } from '../streams.ts'
import { createResizer, type SizeWords } from './resize.ts'
import type { StoredContainer } from './state.ts'

/** In a folder that is the node's alone. */
export const makeFifo = async (file: string): Promise<void> => {
  await rm(file, { force: true })
  await makeFifos([file], '600')
}

const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })

/** The end of the FIFO where one writes; nobody reads any longer when it cannot be opened. */
const openFifo = (file: string): Writable => {
  try {
    return new Socket({
      fd: openSync(file, constants.O_WRONLY | constants.O_NONBLOCK),
      readable: false,
      writable: true,
    })
  } catch {
    return nowhere()
  }
}

/** `sizeWords` as in resize.ts. */
export const attachTo = (container: StoredContainer, sizeWords: SizeWords, stdinFile: string): ContainerInput => {
  const { stdin: kind, tty = false, process } = container
  const stdin = kind ? openFifo(stdinFile) : nowhere()
  stdin.on('error', () => undefined)
  if (kind === 'once')
    stdin.once('close', () => {
      // The shim lets go of it, too.
      void isRunning(process).then((runs) => runs && signalProcess(process.pid, 'SIGWINCH'))
    })
  return { stdin, resize: tty ? createResizer(sizeWords, () => process.pid) : () => undefined }
}
