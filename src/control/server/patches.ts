/** The patch formats, by media type. */
import { badRequest, unsupportedMediaType } from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { applyJsonPatch } from '../patch/json-patch.ts'
import { applyMergePatch } from '../patch/merge-patch.ts'
import { applyStrategicPatch } from '../patch/strategic.ts'

type ApplyPatch = (target: Readonly<Record<string, unknown>>, patch: unknown, type: string) => unknown

const formats: Readonly<Record<string, ApplyPatch>> = {
  'application/json-patch+json': applyJsonPatch,
  'application/merge-patch+json': applyMergePatch,
  'application/strategic-merge-patch+json': applyStrategicPatch,
}

/** Patches an object of the schema's type `type`. Throws for a format that is not among the accepted ones, or for a patch that does not apply. */
export const applyPatch = (
  contentType: string,
  object: KubeObject,
  patch: unknown,
  type: string,
  accepted: readonly string[] = Object.keys(formats),
): unknown => {
  const apply = accepted.includes(contentType) ? formats[contentType] : undefined
  if (!apply) throw unsupportedMediaType(accepted)
  if (patch === undefined) throw badRequest('a patch needs a body')
  return apply(object as unknown as Readonly<Record<string, unknown>>, patch, type)
}
