/** Where objects are in etcd: `PREFIX/BUCKET/NAME`. Pure. */
import type { StoreKey } from '../backend.ts'

export interface EtcdKeys {
  of(key: StoreKey): Buffer
  /** Undefined for what is no object. */
  parse(key: Buffer): StoreKey | undefined
  /** Written by every commit: its revision is that of the latest one. */
  readonly latest: Buffer
  /** Which cluster this is. */
  readonly cluster: Buffer
  /** What a joining server reads, by the number of the invitation. */
  invitation(id: string): Buffer
  /** All objects and `latest`: the range that is loaded and watched. */
  readonly all: { readonly key: Buffer; readonly rangeEnd: Buffer }
}

/** The key behind all that begin so. */
export const endOf = (prefix: string): Buffer => {
  const end = Buffer.from(prefix)
  const last = end.length - 1
  end[last] = (end[last] ?? 0) + 1
  return end
}

/** `prefix` begins with a slash and does not end with one. No bucket begins with a tilde. */
export const etcdKeys = (prefix: string): EtcdKeys => {
  const objects = `${prefix}/objects/`
  return {
    of: ({ bucket, name }) => Buffer.from(`${objects}${bucket}/${name}`),
    parse: (key) => {
      const rest = key.toString().slice(objects.length)
      const slash = rest.indexOf('/')
      return slash > 0 ? { bucket: rest.slice(0, slash), name: rest.slice(slash + 1) } : undefined
    },
    latest: Buffer.from(`${objects}~`),
    cluster: Buffer.from(`${prefix}/cluster`),
    invitation: (id) => Buffer.from(`${prefix}/invitations/${id}`),
    all: { key: Buffer.from(objects), rangeEnd: endOf(objects) },
  }
}
