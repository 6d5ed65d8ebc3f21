import { type Part, parts } from '../agent/part-names.ts'
import { UsageError } from './usage-error.ts'

/** What `--only` says. */
export const partsOf = (text: string): ReadonlySet<Part> => {
  const words = text.split(',').map((word) => word.trim())
  const wrong = words.find((word) => !parts.some((part) => part === word))
  if (wrong !== undefined) throw new UsageError(`--only ${text}: "${wrong}" is none of ${parts.join(', ')}`)
  return new Set(parts.filter((part) => words.includes(part)))
}
