/** What webhooks and policies are told of a write: the object in the version that they ask for, and how it was asked. */
import { copyJson, isJsonObject, type JsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { infoOf, type User } from '../auth/user.ts'
import type { AskedWrite, DeletionReview, ObjectType, RequestReview, Review } from '../objects/admission.ts'
import type { Registry } from '../registry/registry.ts'
import { bucketOf, inVersion, prepared, type ResourceDefinition } from '../resources/definition.ts'
import { showScale } from '../server/scale.ts'

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'

export interface Attributes {
  readonly operation: Operation
  readonly asked: AskedWrite
  readonly name: string
  /** Undefined for what is in none. */
  readonly namespace: string | undefined
  /** Of an object that is kept nowhere. Missing: it is of the kind that is asked for. */
  readonly type?: ObjectType
  /** As it is kept; undefined for a deletion. */
  readonly object: KubeObject | undefined
  readonly old: KubeObject | undefined
  readonly user: User
  readonly dryRun: boolean
}

const placeOf = ({ metadata: { name, namespace } }: KubeObject) => ({ name, namespace })

/** Undefined for what nobody asked for. */
export const attributesOf = ({ operation, asked, object, old, user, dryRun }: Review): Attributes | undefined =>
  asked && {
    operation: operation === 'create' ? 'CREATE' : 'UPDATE',
    ...placeOf(object),
    ...{ asked, object, old, user, dryRun },
  }

export const deletionAttributesOf = ({ asked, object, user, dryRun }: DeletionReview): Attributes | undefined =>
  asked && { operation: 'DELETE', ...placeOf(object), ...{ asked, object: undefined, old: object, user, dryRun } }

export const requestAttributesOf = ({ operation, definition: _, ...review }: RequestReview): Attributes => ({
  operation: operation === 'create' ? 'CREATE' : 'CONNECT',
  ...review,
  old: undefined,
})

/** The object that is spoken of, whatever becomes of it. */
export const subjectOf = ({ object, old }: Attributes): KubeObject | undefined => object ?? old

/** Every row by which the kind of a row can be asked for, itself first. */
export const equivalentRows = (registry: Registry, row: ResourceDefinition): readonly ResourceDefinition[] => {
  const bucket = bucketOf(row)
  const served = registry.kinds.find((kind) => bucketOf(kind.row) === bucket)?.served ?? []
  return [row, ...served.filter((each) => each.group !== row.group || each.version !== row.version)]
}

/** An object as somebody who asks through `row` sees it; a window onto it for a subresource of its own kind. */
const shownAs = async (
  { asked: { subresource }, type }: Attributes,
  row: ResourceDefinition,
  object: KubeObject | undefined,
): Promise<JsonObject | null> => {
  if (!object) return null
  if (!type) await prepared(row, [object], 'shown')
  const own = () => (subresource === 'scale' ? showScale(row, object) : inVersion(row, object))
  const shown = type ? { ...object, kind: type.kind, apiVersion: type.apiVersion } : own()
  // What has no value is not there.
  const plain: unknown = copyJson(shown)
  return isJsonObject(plain) ? plain : null
}

const splitVersion = (apiVersion: string): { readonly group: string; readonly version: string } => {
  const [version = '', group = ''] = apiVersion.split('/').reverse()
  return { group, version }
}

const kindOfRow = ({ asked: { subresource }, type }: Attributes, { group, version, kind }: ResourceDefinition) => {
  if (type) return { ...splitVersion(type.apiVersion), kind: type.kind }
  return subresource === 'scale' ? { group: 'autoscaling', version: 'v1', kind: 'Scale' } : { group, version, kind }
}

const resourceOf = ({ group, version, plural }: ResourceDefinition) => ({ group, version, resource: plural })

/** Those of the operation: a patch makes or updates an object, too. */
const optionsOf = ({ operation, asked: { options } }: Attributes): JsonObject | null =>
  options === undefined ? null : { kind: optionKinds[operation], apiVersion: 'meta.k8s.io/v1', ...options }

const optionKinds: Readonly<Record<Operation, string>> = {
  ...{ CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions', CONNECT: '' },
}

const makeRequest = async (attributes: Attributes, row: ResourceDefinition): Promise<JsonObject> => {
  const { operation, asked, name, namespace, object, old, user, dryRun } = attributes
  const { subresource } = asked
  const sub = subresource === '' ? {} : { subResource: subresource, requestSubResource: subresource }
  return {
    uid: '',
    kind: kindOfRow(attributes, row),
    resource: resourceOf(row),
    requestKind: kindOfRow(attributes, asked.row),
    requestResource: resourceOf(asked.row),
    ...sub,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    operation,
    userInfo: infoOf(user),
    object: await shownAs(attributes, row, object),
    oldObject: await shownAs(attributes, row, old),
    dryRun,
    options: optionsOf(attributes),
  }
}

const made = new WeakMap<Attributes, Map<ResourceDefinition, Promise<JsonObject>>>()

/** The request of an AdmissionReview, in the version of `row`: made once of a write, however many are asked. Its `uid` is empty. */
export const admissionRequest = (attributes: Attributes, row: ResourceDefinition): Promise<JsonObject> => {
  const known = made.get(attributes) ?? new Map<ResourceDefinition, Promise<JsonObject>>()
  made.set(attributes, known)
  const request = known.get(row) ?? makeRequest(attributes, row)
  known.set(row, request)
  return request
}
