/** Values as they stand in the store: an object in JSON, or a text in JSON that begins with a provider and a key. Pure. */
import { type CipherName, ciphers, isCipherName } from './ciphers.ts'
import type { Provider } from './configuration.ts'

/** Nothing that is configured can read it. */
export class UnreadableValue extends Error {
  override readonly name = 'UnreadableValue'

  constructor(path: string, why: string) {
    super(
      `${path} is encrypted and cannot be read (${why}): name its provider and key in the file of --encryption-provider-config; the first one there is for what is written, more keys may follow`,
    )
  }
}

const prefixOf = (cipher: CipherName, name: string): string => `k8s:enc:${cipher}:v1:${name}:`

const pattern = /^"k8s:enc:([a-z]+):v1:([^:]*):([A-Za-z0-9+/=]*)"$/

const seal = (provider: Provider, path: string, text: string): string => {
  if (provider.kind === 'identity') return text
  const { cipher, name, key } = provider
  const sealed = ciphers[cipher].seal(key, Buffer.from(text), path)
  return JSON.stringify(`${prefixOf(cipher, name)}${sealed.toString('base64')}`)
}

/** By the first provider; plain when there is none. `path` is the object's place in the store. */
export const sealValue = (providers: readonly Provider[], path: string, text: string): string => {
  const [first] = providers
  return first ? seal(first, path, text) : text
}

export interface OpenedValue {
  readonly text: string
  /** Kept in another way than the first provider would keep it. */
  readonly isStale: boolean
}

const isPlain = (value: string): boolean => !value.startsWith('"k8s:enc:')

const isBy = (provider: Provider | undefined, cipher: string, name: string): boolean =>
  provider?.kind === 'cipher' && provider.cipher === cipher && provider.name === name

/** Throws `UnreadableValue`. */
export const openValue = (providers: readonly Provider[], path: string, value: string): OpenedValue => {
  const [first] = providers
  if (isPlain(value)) return { text: value, isStale: first !== undefined && first.kind !== 'identity' }
  const [, cipher = '', name = '', sealed = ''] = pattern.exec(value) ?? []
  const fitting = providers.filter((provider) => isBy(provider, cipher, name))
  if (fitting.length === 0 || !isCipherName(cipher))
    throw new UnreadableValue(
      path,
      `by key ${JSON.stringify(name)} of ${cipher || 'an unknown provider'}, which is not configured`,
    )
  for (const provider of fitting) {
    if (provider.kind !== 'cipher') continue
    try {
      const text = ciphers[cipher].open(provider.key, Buffer.from(sealed, 'base64'), path).toString()
      // A cipher that is not authenticated may open it by a wrong key, to nonsense.
      JSON.parse(text)
      return { text, isStale: !isBy(first, cipher, name) }
    } catch {
      // Another key of that name may fit.
    }
  }
  throw new UnreadableValue(
    path,
    `the key ${JSON.stringify(name)} of ${cipher} is another one, or the value was changed`,
  )
}
