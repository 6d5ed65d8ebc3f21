/** Statuses are written by their one controller, and only when they changed. */
import type { Client } from '../../api/client.ts'
import { deepEqual } from '../../api/deep-equal.ts'
import type { Resource } from '../../api/resources.ts'
import type { KubeObject } from '../../api/types/index.ts'

type Status = Readonly<Record<string, unknown>>

/** Zero and empty lists are left out of the object, as Kubernetes leaves them out. */
const isEmpty = (value: unknown): boolean => value === 0 || (Array.isArray(value) && value.length === 0)

const compact = (status: Status, keep: readonly string[]): Status =>
  Object.fromEntries(Object.entries(status).filter(([field, value]) => keep.includes(field) || !isEmpty(value)))

/**
 * Brings the fields named in `wanted` into the status (undefined: away with it); others stay. Fields in `keep` are written when zero, too. A merge
 * patch without a version: whoever changed the rest of the object meanwhile is not in the way.
 */
export const writeStatus = async <T extends KubeObject & { readonly status?: object }>(
  client: Client,
  resource: Resource<T>,
  object: T,
  wanted: object,
  keep: readonly string[] = [],
): Promise<void> => {
  const target = compact(wanted as Status, keep)
  const before = (object.status ?? {}) as Status
  const fields = Object.keys(wanted)
  const isSame = fields.every((field) => deepEqual(target[field], before[field]))
  if (isSame) return
  const patch = Object.fromEntries(fields.map((field) => [field, target[field] ?? null]))
  await client.patch(resource, object, { metadata: { uid: object.metadata.uid }, status: patch }, 'status')
}
