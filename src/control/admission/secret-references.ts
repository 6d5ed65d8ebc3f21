/** Where a pod uses Secrets, in the words of Kubernetes. Pure. */
import { isJsonObject } from '../../api/json.ts'
import type { Container, PodSpec } from '../../api/types/index.ts'

export interface SecretReference {
  readonly secret: string
  readonly use: 'volume' | 'environment' | 'pull'
  /** `volume with secret.secretName="x"` */
  readonly text: string
}

const nameIn = (value: unknown, field: string): string => {
  const name = isJsonObject(value) ? value[field] : undefined
  return typeof name === 'string' ? name : ''
}

const ofVolume = (volume: object): readonly SecretReference[] => {
  const source = isJsonObject(volume) ? volume : {}
  const projected = isJsonObject(source['projected']) ? source['projected']['sources'] : undefined
  const names = [
    nameIn(source['secret'], 'secretName'),
    ...(Array.isArray(projected) ? projected : []).map((each) => nameIn(isJsonObject(each) && each['secret'], 'name')),
  ]
  return names
    .filter((secret) => secret !== '')
    .map((secret) => ({ secret, use: 'volume', text: `volume with secret.secretName="${secret}"` }))
}

const ofContainer = (kind: string, { name, env = [], envFrom = [] }: Container): readonly SecretReference[] => [
  ...env.flatMap(({ name: variable, valueFrom }): readonly SecretReference[] => {
    const secret = valueFrom?.secretKeyRef?.name
    if (!secret) return []
    const text = `${kind} ${name} with envVar ${variable} referencing secret.secretName="${secret}"`
    return [{ secret, use: 'environment', text }]
  }),
  ...envFrom.flatMap(({ secretRef }): readonly SecretReference[] => {
    const secret = secretRef?.name
    if (!secret) return []
    const text = `${kind} ${name} with envFrom referencing secret.secretName="${secret}"`
    return [{ secret, use: 'environment', text }]
  }),
]

export const secretReferences = (spec: PodSpec): readonly SecretReference[] => [
  ...(spec.volumes ?? []).flatMap(ofVolume),
  ...(spec.initContainers ?? []).flatMap((container) => ofContainer('init container', container)),
  ...spec.containers.flatMap((container) => ofContainer('container', container)),
  ...(spec.ephemeralContainers ?? []).flatMap((container) => ofContainer('ephemeral container', container)),
  ...(spec.imagePullSecrets ?? []).flatMap(({ name = '' }): readonly SecretReference[] =>
    name === '' ? [] : [{ secret: name, use: 'pull', text: `imagePullSecrets "${name}"` }],
  ),
]
