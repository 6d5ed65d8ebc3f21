/**
 * The annotation in which kubectl keeps what it applied last by itself. When kubectl lets the server apply, what the annotation says
 * is still kubectl's to change, and it goes on to say what was applied, so that the next `kubectl apply` knows: as in Kubernetes.
 */
import { isJsonObject, parseJson, sortFields } from '../../api/json.ts'
import { lastAppliedAnnotation } from '../../api/last-applied.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { decodeAs, type ResourceDefinition } from '../resources/definition.ts'
import { checkValue } from '../schema/bounds.ts'

/** Whoever applies under another name has nothing to do with it. */
export const kubectlManager = 'kubectl'

/** As Kubernetes bounds all annotations of an object together. */
const mostBytes = 256 * 1024

export const hasLastApplied = ({ metadata }: KubeObject): boolean =>
  Boolean(metadata.annotations?.[lastAppliedAnnotation])

/** What it says; undefined when that is no object of the kind: anybody may write there. */
export const lastApplied = (definition: ResourceDefinition, { metadata }: KubeObject): KubeObject | undefined => {
  try {
    const said: unknown = parseJson(metadata.annotations?.[lastAppliedAnnotation] ?? '')
    checkValue(said)
    return isJsonObject(said) ? (decodeAs(definition, said).value as unknown as KubeObject) : undefined
  } catch {
    return undefined
  }
}

const withoutAnnotation = (metadata: unknown): unknown => {
  if (!isJsonObject(metadata) || !isJsonObject(metadata['annotations'])) return metadata
  const { [lastAppliedAnnotation]: _, ...annotations } = metadata['annotations']
  return { ...metadata, annotations }
}

/** Where all annotations together would be too long, what was written before stays. */
export const withLastApplied = <T extends KubeObject>(object: T, said: unknown): T => {
  if (!isJsonObject(said)) return object
  const text = `${JSON.stringify(sortFields({ ...said, metadata: withoutAnnotation(said['metadata']) }))}\n`
  const annotations = { ...object.metadata.annotations, [lastAppliedAnnotation]: text }
  const bytes = Object.entries(annotations).reduce((sum, entry) => sum + Buffer.byteLength(entry.join('')), 0)
  return bytes > mostBytes ? object : { ...object, metadata: { ...object.metadata, annotations } }
}
