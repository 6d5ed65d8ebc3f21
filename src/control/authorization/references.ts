/** Which Secrets, ConfigMaps and ServiceAccounts an object refers to. Pure. */
import { isJsonObject } from '../../api/json.ts'
import type { Ingress, Pod } from '../../api/types/index.ts'
import type { PersistentVolume } from '../../api/types/kubernetes/core-v1.ts'
import { readAnnotations } from '../../proxy/ingress/annotations/read.ts'
import { ingressView } from '../../proxy/ingress/routes/model.ts'
import { claimsOfPod } from '../volumes/pod-claims.ts'
import type { DataKind, ReferenceKind } from './node-authorizer.ts'

export interface Reference {
  readonly kind: ReferenceKind
  /** `namespace/name`. */
  readonly key: string
}

const nameIn = (value: unknown, ...fields: readonly string[]): readonly string[] => {
  if (!isJsonObject(value)) return []
  const name = fields.map((field) => value[field]).find((found) => typeof found === 'string' && found !== '')
  return typeof name === 'string' ? [name] : []
}

/** By the field that refers: wherever it stands in a pod, it means the same. */
const namesAt: Readonly<Record<string, { readonly kind: DataKind; names(value: unknown): readonly string[] }>> = {
  secretRef: { kind: 'secrets', names: (value) => nameIn(value, 'name') },
  secretKeyRef: { kind: 'secrets', names: (value) => nameIn(value, 'name') },
  nodePublishSecretRef: { kind: 'secrets', names: (value) => nameIn(value, 'name') },
  /** A volume names it by `secretName`, a source of a projected volume by `name`. */
  secret: { kind: 'secrets', names: (value) => nameIn(value, 'secretName', 'name') },
  azureFile: { kind: 'secrets', names: (value) => nameIn(value, 'secretName') },
  imagePullSecrets: {
    kind: 'secrets',
    names: (value) => (Array.isArray(value) ? value.flatMap((each) => nameIn(each, 'name')) : []),
  },
  configMap: { kind: 'configmaps', names: (value) => nameIn(value, 'name') },
  configMapRef: { kind: 'configmaps', names: (value) => nameIn(value, 'name') },
  configMapKeyRef: { kind: 'configmaps', names: (value) => nameIn(value, 'name') },
}

/** Everything below a value, by field: volumes of all kinds, and whatever kinds there will be. */
function* referring(value: unknown): Generator<{ readonly kind: DataKind; readonly name: string }> {
  if (Array.isArray(value)) for (const item of value) yield* referring(item)
  else if (isJsonObject(value))
    for (const [field, below] of Object.entries(value)) {
      const found = Object.hasOwn(namesAt, field) ? namesAt[field] : undefined
      if (found) for (const name of found.names(below)) yield { kind: found.kind, name }
      yield* referring(below)
    }
}

export const referencesOfPod = ({ metadata, spec }: Pick<Pod, 'metadata' | 'spec'>): readonly Reference[] => {
  const account = spec.serviceAccountName ? [{ kind: 'serviceaccounts' as const, name: spec.serviceAccountName }] : []
  const claims = claimsOfPod({ metadata, spec }).map(({ name }) => ({ kind: 'persistentvolumeclaims' as const, name }))
  return [...referring(spec), ...account, ...claims].map(({ kind, name }) => ({
    ...{ kind, key: `${metadata.namespace}/${name}` },
  }))
}

/** The Secrets (`namespace/name`) that its own drivers need on nodes; without a namespace they are the claim's. */
export const secretsOfVolume = ({ spec }: PersistentVolume): readonly string[] => {
  const { csi, claimRef } = spec
  const other = Object.values(spec).flatMap((source) => (isJsonObject(source) ? [source['secretRef']] : []))
  return [csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef, ...other].flatMap((secret) =>
    isJsonObject(secret) && typeof secret['name'] === 'string'
      ? [
          `${typeof secret['namespace'] === 'string' ? secret['namespace'] : (claimRef?.namespace ?? '')}/${secret['name']}`,
        ]
      : [],
  )
}

const nothingThere = { secret: () => undefined, configMap: () => undefined }

/** What its proxy looks into, as the proxy itself reads it. */
export const referencesOfIngress = (ingress: Ingress): readonly Reference[] => {
  const { tls, annotations } = ingressView(ingress)
  const settings = readAnnotations({ namespace: ingress.metadata.namespace ?? '', annotations }, nothingThere)
  const secrets = [...tls.flatMap(({ secret }) => secret ?? []), ...settings.secrets]
  return [
    ...secrets.map((key) => ({ kind: 'secrets', key }) as const),
    ...settings.configMaps.map((key) => ({ kind: 'configmaps', key }) as const),
  ]
}
