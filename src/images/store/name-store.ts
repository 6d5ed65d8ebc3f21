/** Which image a name stands for: a file for each name. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isJsonObject } from '../../api/json.ts'
import { isSetAside, jsonOf, readOrSetAside } from '../../host/durable-file.ts'
import { type Digest, isDigest } from '../digest.ts'
import type { StorePaths } from './store-paths.ts'
import type { Workplace } from './workplace.ts'

export interface NameRecord {
  /** In full, with a tag or a digest. */
  readonly name: string
  readonly image: Digest
}

export interface NameStore {
  find(name: string): Promise<Digest | undefined>
  set(record: NameRecord): Promise<void>
  remove(name: string): Promise<void>
  list(): Promise<readonly NameRecord[]>
}

const isNameRecord = (value: unknown): value is NameRecord =>
  isJsonObject(value) && typeof value['name'] === 'string' && isDigest(value['image'])

export const createNameStore = (
  paths: StorePaths,
  { write }: Pick<Workplace, 'write'>,
  onDamage: (message: string) => void,
): NameStore => {
  const read = (file: string): Promise<NameRecord | undefined> =>
    readOrSetAside(file, jsonOf('the name of an image', isNameRecord), onDamage)
  return {
    find: async (name) => {
      const record = await read(paths.name(name))
      return record?.name === name ? record.image : undefined
    },
    set: (record) => write(paths.name(record.name), JSON.stringify(record)),
    remove: (name) => rm(paths.name(name), { force: true }),
    list: async () => {
      const files = (await readdir(paths.names)).filter((file) => file.endsWith('.json') && !isSetAside(file))
      const found = await Promise.all(files.map((file) => read(join(paths.names, file))))
      return found.filter((record) => record !== undefined)
    },
  }
}
