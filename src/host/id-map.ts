/** Which user and group ids exist in the user namespace we are in. */
import { readFile } from 'node:fs/promises'

interface Range {
  readonly first: number
  readonly count: number
}

/** Reads the text of /proc/self/uid_map or gid_map: inside, outside and length of each range. */
export const parseIdMap = (text: string): readonly Range[] =>
  text
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([first, outside, count]) =>
      first === undefined || outside === undefined || !count ? [] : [{ first, count }],
    )

const holds = (ranges: readonly Range[], id: number): boolean =>
  ranges.some(({ first, count }) => id >= first && id < first + count)

/** Whether a process of ours may run as this user and group. */
export const readIdMap = async (): Promise<(id: number) => boolean> => {
  const [users, groups] = await Promise.all(
    ['uid_map', 'gid_map'].map(async (name) => parseIdMap(await readFile(`/proc/self/${name}`, 'utf8'))),
  )
  return (id) => holds(users ?? [], id) && holds(groups ?? [], id)
}

/** Whether processes of ours may choose their supplementary groups: in a user namespace of an ordinary user they may not. */
export const canSetGroups = async (): Promise<boolean> =>
  (await readFile('/proc/self/setgroups', 'utf8').catch(() => 'allow')).trim() !== 'deny'
