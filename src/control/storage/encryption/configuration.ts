/** Which objects are encrypted, and by which keys: Kubernetes' EncryptionConfiguration. Pure. */
import { parse } from 'yaml'
import { isJsonObject } from '../../../api/json.ts'
import { type CipherName, ciphers, isCipherName } from './ciphers.ts'

/** One way to keep a value. `identity` keeps it as it is. */
export type Provider =
  | { readonly kind: 'identity' }
  | { readonly kind: 'cipher'; readonly cipher: CipherName; readonly name: string; readonly key: Buffer }

export interface EncryptionRule {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.` (of the core group) or `*.*`. */
  readonly resources: readonly string[]
  /** The first one encrypts, all of them decrypt. */
  readonly providers: readonly Provider[]
}

const keyFrom = (cipher: CipherName, value: unknown, path: string): Provider => {
  const { name, secret } = isJsonObject(value) ? value : { name: undefined, secret: undefined }
  if (typeof name !== 'string' || name === '' || !/^[\w.-]+$/.test(name)) throw new Error(`${path}.name must be a name`)
  if (typeof secret !== 'string' || secret === '') throw new Error(`${path}.secret must be a key in base64`)
  const key = Buffer.from(secret, 'base64')
  const { keySizes } = ciphers[cipher]
  if (!/^[A-Za-z0-9+/]+=*$/.test(secret) || !keySizes.includes(key.length))
    throw new Error(`${path}.secret must be base64 of a key whose length in bytes is one of ${keySizes.join(', ')}`)
  return { kind: 'cipher', cipher, name, key }
}

const providersFrom = (value: unknown, path: string): readonly Provider[] => {
  const [kind, ...more] = isJsonObject(value) ? Object.keys(value) : []
  if (kind === undefined || more.length > 0) throw new Error(`${path} must name one provider`)
  if (kind === 'identity') return [{ kind }]
  if (!isCipherName(kind))
    throw new Error(
      `${path}.${kind} is no provider of this server: it has ${Object.keys(ciphers).join(', ')}, identity`,
    )
  const given = isJsonObject(value) ? value[kind] : undefined
  const keys = isJsonObject(given) ? given['keys'] : undefined
  if (!Array.isArray(keys) || keys.length === 0) throw new Error(`${path}.${kind}.keys must hold a key`)
  const names = keys.map((key) => (isJsonObject(key) ? key['name'] : undefined))
  if (new Set(names).size < names.length) throw new Error(`${path}.${kind}.keys must have a name each`)
  return keys.map((key, at) => keyFrom(kind, key, `${path}.${kind}.keys[${at}]`))
}

const isResource = (text: unknown): text is string => typeof text === 'string' && /^[a-z*][a-z0-9.*-]*$/.test(text)

const ruleFrom = (value: unknown, path: string): EncryptionRule => {
  const { resources, providers } = isJsonObject(value) ? value : { resources: undefined, providers: undefined }
  if (!Array.isArray(resources) || resources.length === 0 || !resources.every(isResource))
    throw new Error(`${path}.resources must name resources`)
  if (!Array.isArray(providers) || providers.length === 0) throw new Error(`${path}.providers must hold a provider`)
  return { resources, providers: providers.flatMap((each, at) => providersFrom(each, `${path}.providers[${at}]`)) }
}

/** Reads the YAML or JSON of the file. Throws an Error that names the field; it repeats nothing of a key. */
export const readEncryptionConfiguration = (text: string): readonly EncryptionRule[] => {
  let value: unknown
  try {
    value = parse(text)
  } catch {
    throw new Error('it is no YAML')
  }
  if (!isJsonObject(value) || value['kind'] !== 'EncryptionConfiguration')
    throw new Error('kind must be EncryptionConfiguration')
  if (value['apiVersion'] !== 'apiserver.config.k8s.io/v1')
    throw new Error('apiVersion must be apiserver.config.k8s.io/v1')
  const { resources } = value
  if (!Array.isArray(resources) || resources.length === 0) throw new Error('resources must not be empty')
  return resources.map((rule, at) => ruleFrom(rule, `resources[${at}]`))
}

const covers = (resource: string, bucket: string): boolean => {
  if (resource === bucket || resource === '*.*') return true
  if (resource === '*.') return !bucket.includes('.')
  return resource.startsWith('*.') && bucket.slice(bucket.indexOf('.')) === resource.slice(1)
}

/** What holds for a bucket: the first rule that names it, or none. */
export const providersOf = (rules: readonly EncryptionRule[], bucket: string): readonly Provider[] =>
  rules.find(({ resources }) => resources.some((resource) => covers(resource, bucket)))?.providers ?? []
