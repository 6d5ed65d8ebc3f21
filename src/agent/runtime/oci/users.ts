/** Who a container runs as, by its image's /etc/passwd and /etc/group. Pure. */

/** As in an image's configuration: `user`, `uid`, `user:group`, `uid:gid`, or nothing. */
export interface WantedUser {
  /** A name or a number. */
  readonly user: string
  /** A name or a number; missing: the user's own. */
  readonly group?: string
  /** More than those /etc/group gives. */
  readonly groups?: readonly number[]
}

export interface FoundUser {
  readonly uid: number
  readonly gid: number
  /** Supplementary ones, without the first. */
  readonly groups: readonly number[]
}

export interface UserFiles {
  readonly passwd: string
  readonly group: string
}

/** There is no such user or group in the image. */
export class UnknownUser extends Error {
  override readonly name = 'UnknownUser'
}

/** Whatever an image's author wrote: so much is looked at, and no more. */
const maxLines = 20_000
const maxId = 0xffff_fffe

const idOf = (text: string | undefined): number | undefined => {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  const id = Number(text)
  return id <= maxId ? id : undefined
}

const rowsOf = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n', maxLines)
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'))

interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const passwdEntries = (text: string): readonly PasswdEntry[] =>
  rowsOf(text).flatMap(([name = '', , uidText, gidText]) => {
    const [uid, gid] = [idOf(uidText), idOf(gidText)]
    return uid === undefined || gid === undefined ? [] : [{ name, uid, gid }]
  })

interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

const groupEntries = (text: string): readonly GroupEntry[] =>
  rowsOf(text).flatMap(([name = '', , gidText, members = '']) => {
    const gid = idOf(gidText)
    return gid === undefined ? [] : [{ name, gid, members: members.split(',') }]
  })

/** Reads `user[:group]`. */
export const parseUser = (text: string): WantedUser => {
  const [user = '', group] = text.split(':', 2)
  return { user: user === '' ? '0' : user, ...(group ? { group } : {}) }
}

const findGroup = (text: string, groups: readonly GroupEntry[]): number => {
  const gid = groups.find(({ name }) => name === text)?.gid ?? idOf(text)
  if (gid === undefined) throw new UnknownUser(`unable to find group ${text}: no matching entries in group file`)
  return gid
}

/** A name, or a number that need not be known. Throws `UnknownUser`. */
export const findUser = ({ user, group, groups: more = [] }: WantedUser, files: UserFiles): FoundUser => {
  const entries = passwdEntries(files.passwd)
  const known = groupEntries(files.group)
  const number = idOf(user)
  const entry = entries.find(({ name }) => name === user) ?? entries.find(({ uid }) => uid === number)
  const uid = entry?.uid ?? number
  if (uid === undefined) throw new UnknownUser(`unable to find user ${user}: no matching entries in passwd file`)
  const gid = group === undefined ? (entry?.gid ?? 0) : findGroup(group, known)
  const own = entry ? known.filter(({ members }) => members.includes(entry.name)) : []
  const groups = new Set([...own.map((each) => each.gid), ...more])
  groups.delete(gid)
  return { uid, gid, groups: [...groups].sort((a, b) => a - b) }
}
