/** What webhooks and policies are told of a write: the object in the version that they ask for, and how it was asked. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { infoOf } from '../auth/user.ts'
import type { AskedWrite, DeletionReview, Review } from '../objects/admission.ts'
import type { Registry } from '../registry/registry.ts'
import { bucketOf, inVersion, prepared, type ResourceDefinition } from '../resources/definition.ts'
import { showScale } from '../server/scale.ts'

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE'

export interface Attributes {
  readonly operation: Operation
  readonly asked: AskedWrite
  /** As it is kept; undefined for a deletion. */
  readonly object: KubeObject | undefined
  readonly old: KubeObject | undefined
  readonly review: Review | DeletionReview
}

/** Undefined for what nobody asked for. */
export const attributesOf = (review: Review): Attributes | undefined =>
  review.asked && {
    operation: review.operation === 'create' ? 'CREATE' : 'UPDATE',
    asked: review.asked,
    object: review.object,
    old: review.old,
    review,
  }

export const deletionAttributesOf = (review: DeletionReview): Attributes | undefined =>
  review.asked && { operation: 'DELETE', asked: review.asked, object: undefined, old: review.object, review }

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
  row: ResourceDefinition,
  subresource: string,
  object: KubeObject | undefined,
): Promise<JsonObject | null> => {
  if (!object) return null
  await prepared(row, [object], 'shown')
  const shown: unknown = subresource === 'scale' ? showScale(row, object) : inVersion(row, object)
  // What has no value is not there.
  const plain: unknown = JSON.parse(JSON.stringify(shown))
  return isJsonObject(plain) ? plain : null
}

const kindOfRow = ({ group, version, kind }: ResourceDefinition, subresource: string) =>
  subresource === 'scale' ? { group: 'autoscaling', version: 'v1', kind: 'Scale' } : { group, version, kind }

const resourceOf = ({ group, version, plural }: ResourceDefinition) => ({ group, version, resource: plural })

const makeRequest = async (attributes: Attributes, row: ResourceDefinition): Promise<JsonObject> => {
  const { operation, asked, object, old, review } = attributes
  const { subresource, options } = asked
  const { name, namespace } = subjectOf(attributes)?.metadata ?? { name: '' }
  const sub = subresource === '' ? {} : { subResource: subresource, requestSubResource: subresource }
  return {
    uid: '',
    kind: kindOfRow(row, subresource),
    resource: resourceOf(row),
    requestKind: kindOfRow(asked.row, subresource),
    requestResource: resourceOf(asked.row),
    ...sub,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    operation,
    userInfo: infoOf(review.user),
    object: await shownAs(row, subresource, object),
    oldObject: await shownAs(row, subresource, old),
    dryRun: review.dryRun,
    options,
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
