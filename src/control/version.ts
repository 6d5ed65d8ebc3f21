import { readFileSync } from 'node:fs'

/** Podway's version, from its package.json. */
export const podwayVersion = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const version = (manifest as { readonly version?: unknown }).version
  if (typeof version !== 'string') throw new Error('package.json has no version')
  return version
}
