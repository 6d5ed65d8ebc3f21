/** Tells by a CSINode which drivers a node has, and under which name each of them knows the node. */
import type { Client } from '../../api/client.ts'
import { type Clock, sleep } from '../../api/clock.ts'
import { deepEqual } from '../../api/deep-equal.ts'
import { isNotFound } from '../../api/errors.ts'
import { isJsonObject } from '../../api/json.ts'
import { csiNodes, nodes } from '../../api/resources.ts'
import type { CSINode, CSINodeDriver } from '../../api/types/kubernetes/storage-v1.ts'
import type { CsiDriver, CsiDrivers } from './csi-drivers.ts'
import { textIn } from './fields.ts'

/** How often drivers are looked for. */
const lookMs = 30_000

export const describeDriver = async (driver: CsiDriver): Promise<CSINodeDriver> => {
  const info = await driver.ask('NodeGetInfo', {})
  const { accessibleTopology, maxVolumesPerNode: count } = info
  const segments = isJsonObject(accessibleTopology) ? accessibleTopology['segments'] : {}
  return {
    ...{ name: driver.name, nodeID: textIn(info, 'nodeId') },
    topologyKeys: isJsonObject(segments) ? Object.keys(segments).sort() : [],
    ...(typeof count === 'number' && count > 0 ? { allocatable: { count } } : {}),
  }
}

export interface CsiNodeOptions {
  readonly client: Client
  readonly nodeName: string
  readonly drivers: CsiDrivers
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

/** An API server of Kubernetes shows empty lists as null. */
const driversIn = ({ spec }: CSINode): readonly CSINodeDriver[] =>
  (spec.drivers ?? []).map((each) => ({ ...each, topologyKeys: each.topologyKeys ?? [] }))

/** Brings the CSINode of the node up to date. */
export const writeCsiNode = async (
  { client, nodeName: name, onError }: Pick<CsiNodeOptions, 'client' | 'nodeName' | 'onError'>,
  found: readonly CsiDriver[],
): Promise<void> => {
  const described = await Promise.all(
    found.map((driver) =>
      describeDriver(driver).catch((error: unknown) => {
        onError(error)
        return undefined
      }),
    ),
  )
  const drivers = described.filter((each) => each !== undefined).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const before = await client.get(csiNodes, name).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
  if (!before) {
    if (drivers.length === 0) return
    const { uid = '' } = (await client.get(nodes, name)).metadata
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }]
    await client.create(csiNodes, { metadata: { name, ownerReferences }, spec: { drivers }, status: {} })
    return
  }
  const told = driversIn(before)
  if (deepEqual(told, drivers)) return
  // What a driver has said of a node cannot be changed, only said anew.
  const kept = told.filter((old) => drivers.some((each) => deepEqual(old, each)))
  const cleared =
    kept.length === told.length ? before : await client.update(csiNodes, { ...before, spec: { drivers: kept } })
  await client.update(csiNodes, { ...cleared, spec: { drivers } })
}

/** Until `signal` aborts. */
export const reportCsiNode = async (options: CsiNodeOptions, signal: AbortSignal): Promise<void> => {
  const { drivers, clock, onError } = options
  while (!signal.aborted) {
    await drivers
      .list()
      .then((found) => writeCsiNode(options, found))
      .catch(onError)
    await sleep(lookMs, signal, clock)
  }
}
