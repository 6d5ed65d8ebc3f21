/** What has to be undone of a pod's volumes by somebody else than us, each in a file of the pod's folder on the disk. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isJsonObject, type JsonObject } from '../../api/json.ts'

export interface VolumeNote {
  readonly volume: string
  /** Of the plug-in. */
  readonly kind: string
  readonly value: JsonObject
}

/** No volume has a name like this. */
const folderIn = (podFolder: string): string => join(podFolder, '.notes')

export const writeNote = async (podFolder: string, { volume, ...note }: VolumeNote): Promise<void> => {
  const folder = folderIn(podFolder)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, volume)
  await writeFile(`${file}.new`, JSON.stringify(note), { mode: 0o600, flush: true })
  await rename(`${file}.new`, file)
}

export const dropNote = (podFolder: string, volume: string): Promise<void> =>
  rm(join(folderIn(podFolder), volume), { force: true })

const read = async (podFolder: string, volume: string): Promise<VolumeNote | undefined> => {
  const note: unknown = JSON.parse(await readFile(join(folderIn(podFolder), volume), 'utf8'))
  if (!isJsonObject(note) || typeof note['kind'] !== 'string' || !isJsonObject(note['value'])) return undefined
  return { volume, kind: note['kind'], value: note['value'] }
}

/** Throws for one that is damaged: what it was about is still there. */
export const readNotes = async (podFolder: string): Promise<readonly VolumeNote[]> => {
  const names = await readdir(folderIn(podFolder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const notes: VolumeNote[] = []
  for (const name of names.filter((each) => !each.endsWith('.new'))) {
    const note = await read(podFolder, name).catch(() => undefined)
    if (!note)
      throw new Error(`${join(folderIn(podFolder), name)} is damaged: unmount what it was about, and remove it`)
    notes.push(note)
  }
  return notes
}
