/** Which containers use which images. Empty files, whose names say all: none of them can be damaged. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOfHex, isDigest } from '../digest.ts'
import type { StorePaths } from './store-paths.ts'

export interface Holds {
  set(image: Digest, user: string): Promise<void>
  remove(image: Digest, user: string): Promise<void>
  of(image: Digest): Promise<readonly string[]>
  list(): Promise<readonly { readonly image: Digest; readonly user: string }[]>
}

const userForm = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/

const checked = (user: string): string => {
  if (!userForm.test(user)) throw new Error(`${JSON.stringify(user)} cannot be the user of an image`)
  return user
}

const namesIn = (folder: string): Promise<readonly string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })

export const createHolds = (paths: StorePaths): Holds => {
  const of = (image: Digest): Promise<readonly string[]> => namesIn(paths.holdsOf(image))
  const set: Holds['set'] = async (image, user) => {
    const file = join(paths.holdsOf(image), checked(user))
    for (;;) {
      try {
        await mkdir(paths.holdsOf(image), { recursive: true, mode: 0o700 })
        return await writeFile(file, '')
      } catch (error) {
        // The folder went with the last hold of somebody else, just now; `mkdir`, too, may see it before that and not after.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !existsSync(paths.holds)) throw error
      }
    }
  }
  return {
    set,
    remove: async (image, user) => {
      await rm(join(paths.holdsOf(image), checked(user)), { force: true })
      // Others may hold it, or begin to.
      await rmdir(paths.holdsOf(image)).catch(() => undefined)
    },
    of,
    list: async () => {
      const images = (await readdir(paths.holds)).filter((name) => isDigest(`sha256:${name}`))
      const found = await Promise.all(
        images.map(async (hex) => {
          const image = digestOfHex(hex)
          return (await of(image)).map((user) => ({ image, user }))
        }),
      )
      return found.flat()
    },
  }
}
