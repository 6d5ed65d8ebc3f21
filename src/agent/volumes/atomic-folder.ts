/**
 * A folder whose files change together, as the kubelet does it: `..data` is a link to a folder of this version, and every name
 * a link into it, so that one rename shows all of the new version, and who watches `..data` learns of it.
 */
import { chmod, chown, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { VolumeFile } from './volume-files.ts'

const dataLink = '..data'

const topOf = (path: string): string => path.split('/')[0] ?? ''

/** Who is in the group may read what the owner may. */
const groupMode = 0o440

const writeVersion = async (
  folder: string,
  files: ReadonlyMap<string, VolumeFile>,
  group: number | undefined,
): Promise<string> => {
  const version = await mkdtemp(join(folder, '..version-'))
  await chmod(version, 0o755)
  for (const [path, { content, mode }] of files) {
    const file = join(version, path)
    await mkdir(dirname(file), { recursive: true, mode: 0o755 })
    await writeFile(file, content, { mode: 0o600 })
    // Whatever the umask is.
    await chmod(file, group === undefined ? mode : mode | groupMode)
    if (group !== undefined) await chown(file, process.getuid?.() ?? 0, group)
  }
  return basename(version)
}

/**
 * Puts `files` in place of what is there; the folder is made, and what it is in must be there. `group`: theirs, which may read
 * them. Safe to repeat after it was cut off at any moment.
 */
export const writeAtomicFolder = async (
  folder: string,
  files: ReadonlyMap<string, VolumeFile>,
  group?: number,
): Promise<void> => {
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await chmod(folder, 0o755)
  const version = await writeVersion(folder, files, group)
  const fresh = join(folder, '..data_tmp')
  await rm(fresh, { force: true })
  await symlink(version, fresh)
  await rename(fresh, join(folder, dataLink))

  const wanted = new Set([...files.keys()].map(topOf))
  for (const name of await readdir(folder)) {
    const isOld = name.startsWith('..version-') ? name !== version : !name.startsWith('..') && !wanted.has(name)
    if (isOld) await rm(join(folder, name), { recursive: true, force: true })
    else wanted.delete(name)
  }
  for (const name of wanted) await symlink(join(dataLink, name), join(folder, name))
}
