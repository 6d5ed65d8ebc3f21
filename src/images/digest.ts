/** Content is known by its SHA-256; nothing else is asked for, though the specification would allow others. */
import { hash } from 'node:crypto'

/** `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}` & { readonly __brand: 'Digest' }

const form = /^sha256:[0-9a-f]{64}$/

export const isDigest = (value: unknown): value is Digest => typeof value === 'string' && form.test(value)

/** Undefined for what is no digest, or one of another algorithm. */
export const parseDigest = (text: string): Digest | undefined => (isDigest(text) ? text : undefined)

export const digestOfHex = (hex: string): Digest => {
  const digest = `sha256:${hex}`
  if (!isDigest(digest)) throw new Error(`${JSON.stringify(hex)} is no SHA-256 digest`)
  return digest
}

/** Without the algorithm: safe as a name of a file. */
export const hexOf = (digest: Digest): string => digest.slice('sha256:'.length)

/** For people, who compare no more of it. */
export const shortId = (digest: Digest): string => hexOf(digest).slice(0, 12)

export const digestOf = (bytes: Uint8Array | string): Digest => digestOfHex(hash('sha256', bytes))

/**
 * What stands for a layer on top of those below it (image-spec, "Layer ChainID"): one for each diff id, the lowest first.
 */
export const chainIds = (diffIds: readonly Digest[]): readonly Digest[] => {
  const chain: Digest[] = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`))
  }
  return chain
}
