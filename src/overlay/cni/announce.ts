/**
 * When container runtimes, and by them kubelets, see the pod network: a node is announced ready as soon as there is a network
 * file. It is a link into the state folder, which a reboot empties: until the agent has made the network again the link leads
 * nowhere. While an agent is replaced or restarted the file stays, since the pods' network does, too.
 */
import { readFile, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../../host/files.ts'

export interface NetworkPlace {
  /** Where runtimes look. */
  readonly confDir: string
  /** The agent's. */
  readonly stateDir: string
}

/** What the network is like, as `podway cni install` wrote it and people may have changed it. No runtime reads this name. */
export const templateFile = (confDir: string): string => join(confDir, '10-podway.conflist.template')
/** Runtimes take the first file of their folder. */
export const networkFile = (confDir: string): string => join(confDir, '10-podway.conflist')
const announcedFile = (stateDir: string): string => join(stateDir, 'cni.conflist')

/** Runtimes look again when something changes in their folder: the link is made anew each time. */
export const linkNetwork = async ({ confDir, stateDir }: NetworkPlace): Promise<void> => {
  const file = networkFile(confDir)
  const made = `${file}.${process.pid}.tmp`
  await rm(made, { force: true })
  await symlink(announcedFile(stateDir), made)
  await rename(made, file)
}

/** Shows the network to runtimes. False when none was installed. */
export const announceNetwork = async (place: NetworkPlace): Promise<boolean> => {
  const text = await readFile(templateFile(place.confDir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return false
  await writeFileAtomic(announcedFile(place.stateDir), text, 0o644)
  await linkNetwork(place)
  return true
}
