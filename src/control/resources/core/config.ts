import { deepEqual } from '../../../api/deep-equal.ts'
import { type FieldError, forbiddenField, invalidValue, required, tooLong } from '../../../api/errors.ts'
import type { ConfigMap, Secret } from '../../../api/types/index.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { subdomainName } from '../names.ts'
import { accountNameAnnotation, tokenSecretType } from './token-secret.ts'

const sizeLimit = 1024 * 1024

const keys = (map: Readonly<Record<string, string>> | undefined): string[] => Object.keys(map ?? {})

const sizeOf = (map: Readonly<Record<string, string>> | undefined, encoding: 'utf8' | 'base64'): number =>
  Object.values(map ?? {}).reduce((sum, value) => sum + Buffer.byteLength(value, encoding), 0)

interface Config {
  readonly immutable?: boolean
  readonly data?: unknown
  readonly binaryData?: unknown
}

const validateFrozen = (now: Config, old: Config): FieldError[] => {
  if (!old.immutable) return []
  const message = 'field is immutable when `immutable` is set'
  return [
    ...(now.immutable ? [] : [forbiddenField('immutable', message)]),
    ...(deepEqual(now.data, old.data) ? [] : [forbiddenField('data', message)]),
    ...(deepEqual(now.binaryData, old.binaryData) ? [] : [forbiddenField('binaryData', message)]),
  ]
}

export const configMap = define<ConfigMap>({
  group: '',
  version: 'v1',
  plural: 'configmaps',
  singular: 'configmap',
  kind: 'ConfigMap',
  namespaced: true,
  shortNames: ['cm'],
  nameRule: subdomainName,
  columns: [
    nameColumn,
    column('Data', (c) => keys(c.data).length + keys(c.binaryData).length, 'How many entries it has'),
    ageColumn,
  ],
  validate: (c) => [
    ...keys(c.data)
      .filter((key) => Object.hasOwn(c.binaryData ?? {}, key))
      .map((key) => invalidValue(`data[${key}]`, key, 'duplicate of key present in binaryData')),
    ...(sizeOf(c.data, 'utf8') + sizeOf(c.binaryData, 'base64') > sizeLimit ? [tooLong('', sizeLimit)] : []),
  ],
  validateUpdate: validateFrozen,
})

/** `stringData` is written only: it goes into `data`, encoded. */
const foldStringData = (secret: Secret & { readonly stringData?: Readonly<Record<string, string>> }): Secret => {
  const { stringData, ...rest } = secret
  const encoded = Object.entries(stringData ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  return {
    type: 'Opaque',
    ...rest,
    ...(rest.data || stringData ? { data: { ...rest.data, ...Object.fromEntries(encoded) } } : {}),
  }
}

/** Keys that a secret of a well-known type must have. */
const requiredKeys: ReadonlyMap<string, readonly string[]> = new Map([
  ['kubernetes.io/tls', ['tls.crt', 'tls.key']],
  ['kubernetes.io/dockerconfigjson', ['.dockerconfigjson']],
  ['kubernetes.io/ssh-auth', ['ssh-privatekey']],
  ['kubernetes.io/dockercfg', ['.dockercfg']],
])

/** One of both will do. Kubernetes names them so. */
const validateBasicAuth = ({ type, data }: Secret): FieldError[] => {
  const names = ['username', 'password']
  return type !== 'kubernetes.io/basic-auth' || names.some((name) => data?.[name] !== undefined)
    ? []
    : names.map((name) => required(`data[%s][${name}]`))
}

export const secret = define<Secret>({
  group: '',
  version: 'v1',
  plural: 'secrets',
  singular: 'secret',
  kind: 'Secret',
  namespaced: true,
  nameRule: subdomainName,
  fields: { type: (s) => s.type ?? '' },
  columns: [
    nameColumn,
    column('Type', (s) => s.type ?? '', 'What it is for'),
    column('Data', (s) => keys(s.data).length, 'How many entries it has'),
    ageColumn,
  ],
  defaults: foldStringData,
  validate: (s) => [
    ...(s.type === tokenSecretType && !s.metadata.annotations?.[accountNameAnnotation]
      ? [required(`metadata.annotations[${accountNameAnnotation}]`)]
      : []),
    ...(requiredKeys.get(s.type ?? '') ?? [])
      .filter((key) => s.data?.[key] === undefined)
      .map((key) => required(`data[${key}]`)),
    ...validateBasicAuth(s),
    ...(sizeOf(s.data, 'base64') > sizeLimit ? [tooLong('data', sizeLimit)] : []),
  ],
  validateUpdate: (now, old) => [...immutable('type', now.type, old.type), ...validateFrozen(now, old)],
})
