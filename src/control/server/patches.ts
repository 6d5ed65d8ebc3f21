/** The patch formats, by media type. */
import { badRequest, unsupportedMediaType } from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { applyJsonPatch, PatchFailure } from '../patch/json-patch.ts'
import { applyMergePatch } from '../patch/merge-patch.ts'
import { applyStrategicPatch } from '../patch/strategic.ts'
import { checkValue } from '../schema/bounds.ts'

type ApplyPatch = (target: Readonly<Record<string, unknown>>, patch: unknown, type: string) => unknown

export const strategicPatchType = 'application/strategic-merge-patch+json'

const formats: Readonly<Record<string, ApplyPatch>> = {
  'application/json-patch+json': applyJsonPatch,
  'application/merge-patch+json': applyMergePatch,
  [strategicPatchType]: applyStrategicPatch,
}

/** Of a body that is a change of something, not the thing itself. */
export const isPatchType = (contentType: string): boolean => Object.hasOwn(formats, contentType)

/** How to patch an object of the schema's type `type`; what it makes throws for a patch that does not apply. */
export type Patcher = (object: KubeObject, patch: unknown, type: string) => unknown

/** Throws UnsupportedMediaType for a format that is not among the accepted ones. */
export const patcherOf = (contentType: string, accepted: readonly string[] = Object.keys(formats)): Patcher => {
  const apply = accepted.includes(contentType) ? formats[contentType] : undefined
  if (!apply) throw unsupportedMediaType(accepted)
  return (object, patch, type) => {
    if (patch === undefined) throw badRequest('a patch needs a body')
    try {
      const patched = apply(object as unknown as Readonly<Record<string, unknown>>, patch, type)
      // A patch makes more of an object than its own body is.
      checkValue(patched)
      return patched
    } catch (error) {
      if (error instanceof PatchFailure) throw error.answer
      // The end of the stack: moves can nest an object as deep as they like.
      if (error instanceof RangeError) throw badRequest('the patched object nests too deep')
      throw error
    }
  }
}
