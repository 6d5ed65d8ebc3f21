/** What keeps a node from being ready: told by its parts, and shown in its Node. */
import type { PartName } from '../part-names.ts'

export interface Readiness {
  /** The part begins, or begins again: this is what is wrong until it serves. */
  begins(part: PartName, why: string): void
  serves(part: PartName): void
  /** Empty when the node is ready. */
  problems(): readonly string[]
  onChange(listener: () => void): void
}

export const createReadiness = (): Readiness => {
  const problems = new Map<PartName, string>()
  const listeners: (() => void)[] = []
  const tell = (): void => {
    for (const listener of listeners) listener()
  }
  return {
    begins: (part, why) => {
      problems.set(part, why)
      tell()
    },
    serves: (part) => {
      if (problems.delete(part)) tell()
    },
    problems: () => [...problems.values()],
    onChange: (listener) => void listeners.push(listener),
  }
}
