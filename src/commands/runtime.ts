import { isRuntimeName, type RuntimeName, runtimeNames } from '../agent/runtime/runtime-names.ts'
import { UsageError } from './usage-error.ts'

/** What `--runtime` names. */
export const runtimeOf = (text: string): RuntimeName => {
  if (!isRuntimeName(text)) throw new UsageError(`--runtime ${text}: expected one of ${runtimeNames.join(', ')}`)
  return text
}
