/** Where Podway keeps a user's files: labs and kubeconfigs. */
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** `$PODWAY_HOME`, else `~/.podway`. */
export const podwayHome = (): string => resolve(process.env['PODWAY_HOME'] || join(homedir(), '.podway'))

/** Makes it, for nobody else to look into. */
export const ensureHome = async (): Promise<string> => {
  const home = podwayHome()
  await mkdir(home, { recursive: true, mode: 0o700 })
  return home
}
