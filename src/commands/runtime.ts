import {
  isNodeRuntimeName,
  isRuntimeName,
  type NodeRuntimeName,
  nodeRuntimeNames,
  type RuntimeName,
  runtimeNames,
} from '../agent/runtime/runtime-names.ts'
import { UsageError } from './usage-error.ts'

/** What `--runtime` of a lab names. */
export const runtimeOf = (text: string): RuntimeName => {
  if (!isRuntimeName(text)) throw new UsageError(`--runtime ${text}: expected one of ${runtimeNames.join(', ')}`)
  return text
}

/** What `--runtime` of a node names. */
export const nodeRuntimeOf = (text: string): NodeRuntimeName => {
  if (!isNodeRuntimeName(text))
    throw new UsageError(`--runtime ${text}: expected one of ${nodeRuntimeNames.join(', ')}`)
  return text
}
