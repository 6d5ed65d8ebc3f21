/** What files this process can make: as root of the machine all, as root of a user namespace those of the users in it. */
import { readFile } from 'node:fs/promises'
import { parseIdMap } from '../../host/id-map.ts'
import type { NodeAbilities } from './cleaned.ts'

const allIds = 4_294_967_295

const mapOf = async (name: 'uid_map' | 'gid_map') => parseIdMap(await readFile(`/proc/self/${name}`, 'utf8'))

const has =
  (ranges: ReturnType<typeof parseIdMap>) =>
  (id: number): boolean =>
    ranges.some(({ first, count }) => id >= first && id < first + count)

export const readAbilities = async (): Promise<NodeAbilities> => {
  const [users, groups] = await Promise.all([mapOf('uid_map'), mapOf('gid_map')])
  // The first user namespace has all ids; in any other the kernel lets nobody make devices or trusted attributes.
  const isWhole = users[0]?.first === 0 && users[0].count === allIds
  return {
    hasUser: has(users),
    hasGroup: has(groups),
    canMakeDevices: isWhole,
    overlayXattrs: isWhole ? 'trusted' : 'user',
  }
}
