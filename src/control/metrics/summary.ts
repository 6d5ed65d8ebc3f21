/** What an agent, or a kubelet, says of its node and pods (`/stats/summary`), as far as it is needed here. Pure. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'

export interface Usage {
  /** Billionths of a CPU, the mean over the window. */
  readonly nanoCores: number
  readonly workingSetBytes: number
  /** The end of the window, milliseconds since 1970. */
  readonly at: number
  readonly windowSeconds: number
}

export interface NodeReading {
  /** Undefined until there is a window to measure over; so for pods. */
  readonly node: Usage | undefined
  /** By `namespace/name`, the containers by name: those of which everything is known. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, Usage>>
}

/** Over which kubelets measure, who do not say it. */
const usualWindowSeconds = 10

const partOf = (value: unknown, name: string): JsonObject => {
  const part = isJsonObject(value) ? value[name] : undefined
  return isJsonObject(part) ? part : {}
}

const listOf = (value: unknown, name: string): readonly unknown[] => {
  const list = isJsonObject(value) ? value[name] : undefined
  return Array.isArray(list) ? list : []
}

const amountIn = (part: JsonObject, name: string): number | undefined => {
  const value = part[name]
  return typeof value === 'number' && Number.isSafeInteger(Math.round(value)) && value >= 0
    ? Math.round(value)
    : undefined
}

const textIn = (part: JsonObject, name: string): string => {
  const value = part[name]
  return typeof value === 'string' ? value : ''
}

const usageOf = (value: unknown): Usage | undefined => {
  const cpu = partOf(value, 'cpu')
  const nanoCores = amountIn(cpu, 'usageNanoCores')
  const workingSetBytes = amountIn(partOf(value, 'memory'), 'workingSetBytes')
  const at = Date.parse(textIn(cpu, 'time'))
  if (nanoCores === undefined || workingSetBytes === undefined || Number.isNaN(at)) return undefined
  const windowSeconds = amountIn(cpu, 'windowSeconds') || usualWindowSeconds
  return { nanoCores, workingSetBytes, at, windowSeconds }
}

/** Half a pod is none: its sum would be wrong. */
const containersOf = (pod: unknown): ReadonlyMap<string, Usage> | undefined => {
  const found = new Map<string, Usage>()
  for (const container of listOf(pod, 'containers')) {
    const usage = usageOf(container)
    const name = isJsonObject(container) ? textIn(container, 'name') : ''
    if (!usage || name === '') return undefined
    found.set(name, usage)
  }
  return found.size === 0 ? undefined : found
}

export const readSummary = (summary: unknown): NodeReading => {
  const pods = new Map<string, ReadonlyMap<string, Usage>>()
  for (const pod of listOf(summary, 'pods')) {
    const reference = partOf(pod, 'podRef')
    const containers = containersOf(pod)
    if (containers) pods.set(`${textIn(reference, 'namespace')}/${textIn(reference, 'name')}`, containers)
  }
  return { node: usageOf(partOf(summary, 'node')), pods }
}
