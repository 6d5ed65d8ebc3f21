import { existsSync, readFileSync } from 'node:fs'

/** Podway's version, from its package.json. */
export const podwayVersion = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const version = (manifest as { readonly version?: unknown }).version
  if (typeof version !== 'string') throw new Error('package.json has no version')
  return version
}

export interface Build {
  /** Of git, in hex; empty where the sources run as they are, or were built without git. */
  readonly commit: string
  readonly treeState: string
}

const unknownBuild: Build = { commit: '', treeState: '' }

/** Pure. */
export const parseBuild = (text: string): Build => {
  const [, commit, treeState] = /^([0-9a-f]{7,64}) (clean|dirty)$/.exec(text.trim()) ?? []
  return commit && treeState ? { commit, treeState } : unknownBuild
}

/** What was compiled, as the build has noted it beside the program. */
export const podwayBuild = (): Build => {
  const file = new URL('../commit', import.meta.url)
  return existsSync(file) ? parseBuild(readFileSync(file, 'utf8')) : unknownBuild
}
