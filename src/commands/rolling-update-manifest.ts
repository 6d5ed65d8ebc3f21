/** The new controller of a rolling update, out of a file. */
import { errorText } from '../api/errors.ts'
import { type Mapping, mapping, readManifests, text, texts } from './manifests.ts'
import type { Target } from './rolling-update/target.ts'
import { UsageError } from './usage-error.ts'

const readReplicas = (value: unknown): number | undefined => {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new UsageError(`spec.replicas: ${JSON.stringify(value)}: expected a number of pods`)
  return value
}

const typeOf = (object: Mapping): string => [object['apiVersion'], object['kind']].map(String).join(', Kind=')

const targetOf = (object: Mapping, file: string, namespace: string): Target => {
  if (object['kind'] !== 'ReplicationController' || object['apiVersion'] !== 'v1')
    throw new UsageError(`${file} contains a ${typeOf(object)} not a ReplicationController`)
  const metadata = mapping(object['metadata'], 'metadata') ?? {}
  const spec = mapping(object['spec'], 'spec') ?? {}
  const name = text(metadata['name'], 'metadata.name')
  // By its name it is found again after an interruption.
  if (!name) throw new UsageError(`${file}: metadata.name: Required value`)
  const given = text(metadata['namespace'], 'metadata.namespace')
  if (given !== undefined && given !== namespace)
    throw new UsageError(
      `the namespace from the provided object "${given}" does not match the namespace "${namespace}". You must pass '--namespace=${given}' to perform this operation.`,
    )
  const template = mapping(spec['template'], 'spec.template') ?? {}
  const labels = mapping(template['metadata'], 'spec.template.metadata')?.['labels']
  const selector = texts(spec['selector'], 'spec.selector')
  return {
    ...{ name, metadata, spec, replicas: readReplicas(spec['replicas']) },
    selector: Object.keys(selector).length > 0 ? selector : texts(labels, 'spec.template.metadata.labels'),
  }
}

/** The one ReplicationController of a file. Throws `UsageError`. */
export const targetOfManifest = (source: string, file: string, namespace: string): Target => {
  const read = (): Target => {
    const [object, ...more] = readManifests(source)
    if (!object) throw new UsageError(`please make sure ${file} exists and is not empty`)
    if (more.length > 0) throw new UsageError(`${file} specifies multiple items`)
    return targetOf(object, file, namespace)
  }
  try {
    return read()
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`${file}: ${errorText(error)}`)
  }
}
