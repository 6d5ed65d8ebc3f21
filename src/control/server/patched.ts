/** What a patch has made of an object: whether it is one of its kind still, and the same. */
import { ApiError, invalid, invalidValue } from '../../api/errors.ts'
import { isJsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { apiVersionOf, type ResourceDefinition } from '../resources/definition.ts'
import { immutable } from '../resources/metadata.ts'
import type { Call } from './call.ts'
import { type Input, readObject } from './input.ts'
import { strategicPatchType } from './patches.ts'

/** A patch that makes something else of an object than one of its kind is told as wrong itself. */
export const readPatched = async (definition: ResourceDefinition, patched: unknown, call: Call): Promise<Input> => {
  const { kind, apiVersion } = { kind: definition.kind, apiVersion: apiVersionOf(definition) }
  // A strategic patch knows of whose kind it is.
  const body =
    call.contentType === strategicPatchType && isJsonObject(patched) ? { ...patched, kind, apiVersion } : patched
  try {
    return await readObject(definition, body, call.query)
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 400) throw error
    throw invalid({ group: '', kind: '' }, '', [invalidValue('patch', patched, error.message)])
  }
}

/** Throws Invalid when a patch changes who an object is. */
export const checkSame = (definition: ResourceDefinition, { metadata }: KubeObject, old: KubeObject): void => {
  const errors = metadata.uid === undefined ? [] : immutable('metadata.uid', metadata.uid, old.metadata.uid)
  if (errors.length > 0) throw invalid(definition, old.metadata.name, errors)
}
