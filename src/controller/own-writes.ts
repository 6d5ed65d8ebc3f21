/**
 * The last version of each object that a controller has written. Whoever counts by an object's own status must not count by
 * an older one.
 */
import type { Client } from '../api/client.ts'
import { deepEqual } from '../api/deep-equal.ts'
import { objectKey, type Resource } from '../api/resources.ts'
import type { KubeObject } from '../api/types/index.ts'

export interface OwnWrites {
  wrote(object: KubeObject): void
  /** Whether the copy is at least as new as what was written. */
  isCurrent(copy: KubeObject): boolean
  forget(key: string): void
}

interface Written {
  readonly uid: string | undefined
  readonly version: number
}

/** Versions of one kind grow: Kubernetes promises that they may be compared. */
const versionOf = ({ metadata }: KubeObject): number => Number(metadata.resourceVersion ?? 0)

/** Of two versions of one object. Where versions are no numbers, nothing is held back for them. */
export const isOlder = (a: KubeObject, b: KubeObject): boolean => versionOf(a) < versionOf(b)

export const createOwnWrites = (): OwnWrites => {
  const last = new Map<string, Written>()
  return {
    wrote: (object) => last.set(objectKey(object), { uid: object.metadata.uid, version: versionOf(object) }),
    isCurrent: (copy) => {
      const written = last.get(objectKey(copy))
      // One of another uid came later, or the version is no number: nothing is held back for it.
      return !written || written.uid !== copy.metadata.uid || !(versionOf(copy) < written.version)
    },
    forget: (key) => {
      last.delete(key)
    },
  }
}

export interface CountedStatus<T extends KubeObject & { readonly status?: unknown }> extends Omit<OwnWrites, 'wrote'> {
  /**
   * The object with this status, which is written when it is another one: by its version, so that it is a conflict when somebody has
   * counted meanwhile.
   */
  write(object: T, status: T['status']): Promise<T>
}

/** The status of a kind whose controller counts by it. */
export const createCountedStatus = <T extends KubeObject & { readonly status?: unknown }>(
  client: Client,
  resource: Resource<T>,
): CountedStatus<T> => {
  const { wrote, isCurrent, forget } = createOwnWrites()
  const write = async (object: T, status: T['status']): Promise<T> => {
    if (deepEqual(object.status, status)) return object
    const written = await client.updateStatus(resource, { ...object, status })
    wrote(written)
    return written
  }
  return { write, isCurrent, forget }
}
