import { readLog } from '../../logs/reader.ts'

const lines = 80

/** What a container has said last, in at most so many bytes; empty when there is no log. */
export const logEndOf = async (file: string, bytes: number): Promise<string> => {
  let said = Buffer.alloc(0)
  const source = { file, format: 'cri' as const, isOver: () => true }
  try {
    for await (const piece of readLog(source, { tailLines: lines }, new AbortController().signal))
      said = Buffer.concat([said, piece]).subarray(-bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return said.toString()
}
