/** The node's ranges of pod addresses: as the control plane gives them, or as they were while it is away. */
import { sleep } from '../../api/clock.ts'
import { jsonOf, readOrSetAside } from '../../host/durable-file.ts'
import { writeFileAtomic } from '../../host/files.ts'
import type { Logger } from '../../host/log.ts'
import { parseCidr } from '../../ip/cidr.ts'
import { type RangesWait, untilRanges } from '../pod-ranges.ts'

const isNetworks = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string' && parseCidr(each))

/** The node's pod network as it was when this agent last ran. Without it the control plane has to tell. */
export const readKeptNetwork = (file: string, log: Logger): Promise<readonly string[] | undefined> =>
  readOrSetAside(file, jsonOf('pod networks', isNetworks), (message) => log.warn(message))

/** For so long the control plane may answer before the node goes on with what it knew. */
const patienceMs = 2_000

/**
 * Resolves when the control plane has given this node its pod network, or, while it is away, to the one of before: what
 * is in the kernel and on disk is enough for the node's traffic. None when `signal` aborts first.
 */
export const waitForNetwork = async (
  wait: RangesWait,
  file: string,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const { nodes, log } = wait
  const over = new AbortController()
  const told = untilRanges(wait, AbortSignal.any([signal, over.signal]))
  const kept = await readKeptNetwork(file, log)
  const late = kept && sleep(patienceMs, signal).then(() => (nodes.isSynced ? told : kept))
  const podCIDRs = await (late ? Promise.race([told, late]) : told)
  over.abort()
  if (podCIDRs === kept) log.warn({ podCIDRs }, 'API server unreachable; using the last known podCIDRs')
  else if (podCIDRs.length > 0) await writeFileAtomic(file, JSON.stringify(podCIDRs))
  return podCIDRs
}
