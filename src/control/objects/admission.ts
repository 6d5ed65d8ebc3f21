import type { KubeObject } from '../../api/types/index.ts'
import type { User } from '../auth/user.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import type { Write } from '../storage/store.ts'
import type { Birth } from './prepare.ts'

/** How a write was asked for by a client. */
export interface AskedWrite {
  /** The row of the version in which it was asked. */
  readonly row: ResourceDefinition
  /** Empty for the object itself. */
  readonly subresource: string
  /** The fields of CreateOptions and the like, as clients know them; undefined for a connection, which has none. */
  readonly options: Readonly<Record<string, unknown>> | undefined
  /** Tells the client something beside the answer. */
  readonly warn: (text: string) => void
  /** Tells the audit log. What has been said of a key stays. `from`: not for who wants to know less of a request. */
  readonly annotate: (key: string, value: string, from?: 'Request') => void
}

/** A write that is about to happen: defaults are filled, nothing is checked yet. */
export interface Review {
  readonly operation: 'create' | 'update'
  /** The kind's own row, whatever version is written: the object is as it is kept. */
  readonly definition: ResourceDefinition
  readonly object: KubeObject
  /** What is there now, for an update. */
  readonly old: KubeObject | undefined
  readonly user: User
  readonly dryRun: boolean
  /** Missing for what the server does by itself on account of another request. */
  readonly asked?: AskedWrite
}

/** A deletion that is about to happen. */
export type DeletionReview = Pick<Review, 'definition' | 'object' | 'user' | 'dryRun' | 'asked'>

/** What an object is that no kind of the registry keeps. */
export interface ObjectType {
  readonly kind: string
  readonly apiVersion: string
  readonly schemaType: string
}

/** A request whose object is kept nowhere: a Binding, a TokenRequest, a question, the options of a connection. */
export interface RequestReview {
  readonly operation: 'create' | 'connect'
  /** The kind's own row of what the URL names. */
  readonly definition: ResourceDefinition
  /** Missing when it is of that kind itself. */
  readonly type?: ObjectType
  readonly object: KubeObject
  readonly name: string
  readonly namespace: string | undefined
  readonly user: User
  readonly dryRun: boolean
  readonly asked: AskedWrite
}

/** A write that is about to be made: `object` is missing for one that ends, `old` for a new one. */
export interface Writing {
  readonly definition: ResourceDefinition
  readonly object: KubeObject | undefined
  readonly old: KubeObject | undefined
}

/**
 * Has a say in writes: changes the object, or refuses by throwing `ApiError`. What `admit` took hold of (an address, a
 * port) is given back by `revoke` when the write then fails or was only a dry run. A deletion can only be refused. `beside` are
 * writes that are made with it, all or none; when one of them finds another revision than it expects, admission begins anew.
 */
export interface Admission {
  readonly name: string
  admit(review: Review): KubeObject | Promise<KubeObject>
  admitDeletion?(review: DeletionReview): void | Promise<void>
  admitRequest?(review: RequestReview): KubeObject | Promise<KubeObject>
  revoke?(review: Review): void
  beside?(writing: Writing, birth: () => Birth): readonly Write[]
}

/** Takes what a write uses of a limit, in the same commit: what fails takes nothing. */
export interface Accounting {
  /**
   * Calls `commit` with what is to be written beside the object, again when somebody else was faster with that. Throws ApiError
   * when there is no room.
   */
  charge<T>(writing: Writing, commit: (beside: readonly Write[]) => Promise<T>): Promise<T>
}

/** Has the last word, once the object is whole and found to be valid: refuses by throwing `ApiError`. */
export interface Validation {
  readonly name: string
  validate(review: Review): Promise<void>
  validateDeletion(review: DeletionReview): Promise<void>
  validateRequest(review: RequestReview): Promise<void>
}

/** One after the other; a later one sees the object as the earlier ones left it. */
export const admitAll = async (admissions: readonly Admission[], review: Review): Promise<KubeObject> => {
  let { object } = review
  for (const admission of admissions) object = await admission.admit({ ...review, object })
  return object
}

/** The same of what is kept nowhere. */
export const admitRequest = async (admissions: readonly Admission[], review: RequestReview): Promise<KubeObject> => {
  let { object } = review
  for (const admission of admissions) object = (await admission.admitRequest?.({ ...review, object })) ?? object
  return object
}
