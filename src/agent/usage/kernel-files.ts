/**
 * Small files that the kernel makes when they are read. They are read at once rather than in turns with everything else: that
 * costs a fifth, and a pass reads hundreds of them.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** What a process, a group or a machine may lack, or that has just gone. */
const missing: ReadonlySet<string> = new Set(['ENOENT', 'ESRCH', 'ENODEV', 'ENOTDIR', 'EACCES', 'EPERM', 'EOPNOTSUPP'])

const unlessMissing = (error: unknown): undefined => {
  if (missing.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
  throw error
}

/** Undefined when it is not there, or not for us. */
export const readKernelFile = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'latin1')
  } catch (error) {
    return unlessMissing(error)
  }
}

export const listKernelFolder = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
  } catch (error) {
    return unlessMissing(error) ?? []
  }
}

/** Lines of a word and a number: `/proc/vmstat`, `memory.stat`, `cpu.stat`. */
export const parseNumbers = (text: string): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  for (const [, name = '', value] of text.matchAll(/^(\S+?):?\s+(\d+)(?: kB)?$/gm)) found.set(name, Number(value))
  return found
}
