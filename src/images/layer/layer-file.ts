/** The bytes of a layer as they were stored or sent: a part of a file, so that a thread can read them where they lie. */
import { read } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { damaged } from '../image-error.ts'

/** Of one file that is open in this process: threads share its descriptors. */
export interface FilePart {
  readonly fd: number
  readonly start: number
  readonly bytes: number
}

export interface LayerFile extends FilePart {
  /** The file is not read any more. */
  close(): Promise<void>
}

const chunkBytes = 1024 * 1024
const readAt = promisify(read)

/** A stream of Node's would close the file. */
async function* chunksOf({ fd, start, bytes }: FilePart): AsyncGenerator<Buffer, void> {
  for (let done = 0; done < bytes; ) {
    const size = Math.min(chunkBytes, bytes - done)
    const { bytesRead, buffer } = await readAt(fd, Buffer.allocUnsafe(size), 0, size, start + done)
    if (bytesRead === 0) throw damaged('the file was cut off while it was read')
    done += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** All of an open file, which is closed with it. */
export const wholeFile = async (file: FileHandle): Promise<LayerFile> => {
  const { size } = await file.stat()
  return { fd: file.fd, start: 0, bytes: size, close: () => file.close() }
}

export const openLayerFile = async (path: string): Promise<LayerFile> => wholeFile(await open(path, 'r'))

/** The file stays open. */
export const readPart = (part: FilePart): Readable => Readable.from(chunksOf(part))
