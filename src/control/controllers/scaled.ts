/** What can be scaled, of any kind: built in, or of users. */
import type { KubeObject } from '../../api/types/index.ts'
import type { ResourceDefinition, ScaleView } from '../resources/definition.ts'
import type { Informers } from './informers.ts'

export interface ScaledReference {
  readonly apiVersion?: string
  readonly kind: string
  readonly name: string
}

export interface Scaled {
  readonly definition: ResourceDefinition
  readonly object: KubeObject
  readonly view: ScaleView
}

/** Of whichever version the group has; undefined for what is not there, or cannot be scaled. */
export const findScaled = (
  informers: Informers,
  { apiVersion = '', kind, name }: ScaledReference,
  namespace: string,
): Scaled | undefined => {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
  for (const { definition, copies } of informers.all.values()) {
    if (definition.kind !== kind || definition.group !== group || !definition.scale) continue
    const object = copies.get(`${namespace}/${name}`)
    if (object) return { definition, object, view: definition.scale.view(object) }
  }
  return undefined
}
