/**
 * What a pod sees of the node's files: its programs and settings, read-only, and nothing else. The root is a small file system
 * of the pod's own, where it may write; what is not listed here is not in it, so nothing has to be hidden by name. Pure.
 */
import { dirname, join } from 'node:path'
import { isIn } from '../../../host/is-in.ts'
import type { NodeMount } from '../../../host/mount-table.ts'
import type { Mount } from '../mounts.ts'
import { maskedPaths, readOnlyPaths } from '../restricted-paths.ts'

/** What there is of a path: a folder, a file (a device, too), or where a link leads. */
export type PathKind = 'folder' | 'file' | { readonly link: string }

export interface NodeFiles {
  readonly mounts: readonly NodeMount[]
  /** Of the paths in `podPaths`, those that exist. */
  readonly kinds: ReadonlyMap<string, PathKind>
}

export interface PodRootPlan {
  /** What is made in the pod's root before anything is mounted there, by path; a folder's mode. */
  readonly folders: ReadonlyMap<string, number>
  readonly files: readonly string[]
  readonly links: ReadonlyMap<string, string>
  /** An fstab. */
  readonly mounts: string
}

const systemFolders = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'usr', 'nix', 'gnu'].map((name) => `/${name}`)

/** Folders of the pod's own that programs take for granted. `.node` is where the node's root is, for a moment. */
const ownFolders: Readonly<Record<string, number>> = {
  ...{ '/.node': 0o755, '/proc': 0o755, '/sys': 0o755, '/dev/pts': 0o755, '/dev/shm': 0o755 },
  ...{ '/home': 0o755, '/mnt': 0o755, '/srv': 0o755, '/root': 0o700, '/tmp': 0o1777, '/run/lock': 0o1777 },
  ...{ '/var/tmp': 0o1777, '/var/cache': 0o755, '/var/lib': 0o755, '/var/log': 0o755, '/var/spool': 0o755 },
}

const ownLinks: Readonly<Record<string, string>> = {
  ...{ '/var/run': '/run', '/dev/ptmx': 'pts/ptmx', '/dev/fd': '/proc/self/fd' },
  ...{ '/dev/stdin': '/proc/self/fd/0', '/dev/stdout': '/proc/self/fd/1', '/dev/stderr': '/proc/self/fd/2' },
}

/** Each pod has its own in place of the node's. */
const ownSettings = ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf']

/**
 * Programs that enter a pod run from here, with the rights of the node until they leave them behind: nothing that comes from a
 * user may be at, in or above these places.
 */
const trusted = [...systemFolders, '/etc', '/proc', '/sys', '/dev']

const checkPlace = (path: string, isFolder: boolean): void => {
  if (!isFolder && ownSettings.includes(path)) return
  if (path === '/' || trusted.some((each) => isIn(path, each) || isIn(each, path)))
    throw new Error(`no volume can be at ${path}: pods run programs of the node from there`)
}

/** What is in a volume may be a link that the pod has made: to wherever it leads, the inner one would be mounted. */
const checkNesting = (paths: readonly string[]): void => {
  const inner = paths.find((path) => paths.some((each) => each !== path && isIn(path, each)))
  if (inner !== undefined) throw new Error(`no volume can be at ${inner}: it is in another volume of the pod`)
}

/** Where a path leads in the pod. */
const throughLinks = (path: string): string => (isIn(path, '/var/run') ? path.slice('/var'.length) : path)

const ancestorsOf = (path: string): readonly string[] =>
  path
    .split('/')
    .slice(1, -1)
    .map((_, at, parts) => `/${parts.slice(0, at + 1).join('/')}`)

const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`)

/** All paths of the node that a plan hangs on. `programs`: more that pods may run, such as podway itself. */
export const podPaths = (programs: readonly string[]): readonly string[] => [
  ...[...systemFolders, ...programs, ...devices, ...maskedPaths, ...readOnlyPaths],
]

const fstabWord = (text: string): string =>
  text.replace(/[\\\s]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)

/** A mount of its own that a copy made in a user namespace must have, too: it may take none of them away. */
const kept = new Set(['nosuid', 'noexec'])

const keptOptions = (path: string, mounts: readonly NodeMount[]): readonly string[] => {
  const around = mounts.filter(({ target }) => target === '/' || isIn(path, target))
  const nearest = around.reduce<NodeMount | undefined>(
    (best, each) => (best && best.target.length > each.target.length ? best : each),
    undefined,
  )
  return nearest?.options.filter((option) => kept.has(option)) ?? []
}

const optionsOf = (path: string, mounts: readonly NodeMount[]): string =>
  ['rbind', 'ro', 'nodev', ...keptOptions(path, mounts)].join()

/** Nobody gains rights by what is in a volume. */
const volumeOptions = (source: string, readOnly: boolean, mounts: readonly NodeMount[]): string =>
  [...new Set(['rbind', readOnly ? 'ro' : 'rw', 'nosuid', 'nodev', ...keptOptions(source, mounts)])].join()

const isLink = (kind: PathKind): kind is { readonly link: string } => typeof kind === 'object'

export interface PodRootOptions {
  /** Where the root is made. */
  readonly root: string
  /** A folder with nothing in it. */
  readonly empty: string
  /** What is seen as /etc; has a place for each of `files` that are in there. */
  readonly settings: string
  readonly programs: readonly string[]
  /** What the pod sees in place of its own. */
  readonly files: readonly Mount[]
}

/** A root in the making, with the node's programs in it. */
const beginRoot = ({ mounts, kinds }: NodeFiles, root: string, programs: readonly string[]) => {
  const folders = new Map<string, number>()
  const placeholders = new Set<string>()
  const links = new Map<string, string>()
  const lines: string[] = []
  const mount: MountLine = (source, target, type, options) =>
    void lines.push([fstabWord(source), fstabWord(join(root, target)), type, options, '0', '0'].join(' '))
  const place = (path: string, kind: PathKind | undefined): void => {
    const folder = kind === 'folder' ? path : dirname(path)
    if (!folders.has(folder)) folders.set(folder, 0o755)
    if (kind !== 'folder') placeholders.add(path)
  }

  const visible: string[] = []
  const show = (path: string): void => {
    const kind = kinds.get(path)
    if (kind === undefined || visible.some((folder) => isIn(path, folder))) return
    if (isLink(kind)) return void links.set(path, kind.link)
    visible.push(path)
    place(path, kind)
    mount(path, path, 'none', optionsOf(path, mounts))
    // What is mounted below came along, and could be written to.
    for (const { target, type } of mounts)
      if (target !== path && isIn(target, path) && type !== 'autofs')
        mount(target, target, 'none', optionsOf(target, mounts))
  }
  for (const path of [...systemFolders, ...programs]) show(path)
  const plan = (): PodRootPlan => ({ folders, files: [...placeholders], links, mounts: `${lines.join('\n')}\n` })
  return { folders, links, mount, place, plan }
}

type MountLine = (source: string, target: string, type: string, options: string) => void

const mountProc = (mount: MountLine): void => mount('proc', '/proc', 'proc', 'nosuid,nodev,noexec')

/** The root of a process that only holds a pod's namespaces: what it takes to run a shell, and umount(8). `.node` as above. */
export const compileHolderRoot = (files: NodeFiles, root: string): PodRootPlan => {
  const { folders, mount, place, plan } = beginRoot(files, root, [])
  for (const path of ['/.node', '/proc']) folders.set(path, 0o755)
  mountProc(mount)
  place('/dev/null', 'file')
  mount('/dev/null', '/dev/null', 'none', 'bind')
  return plan()
}

export const compilePodRoot = (
  nodeFiles: NodeFiles,
  { root, empty, settings, programs, files }: PodRootOptions,
): PodRootPlan => {
  const { mounts, kinds } = nodeFiles
  const { folders, links, mount, place, plan } = beginRoot(nodeFiles, root, programs)
  for (const [path, mode] of Object.entries(ownFolders)) folders.set(path, mode)
  for (const [path, target] of Object.entries(ownLinks)) links.set(path, target)
  place('/etc', 'folder')
  mount(settings, '/etc', 'none', optionsOf(settings, mounts))

  for (const path of devices) {
    if (!kinds.has(path)) continue
    place(path, 'file')
    mount(path, path, 'none', 'bind')
  }
  mount('devpts', '/dev/pts', 'devpts', 'newinstance,ptmxmode=0666,mode=0620,nosuid,noexec')
  mount('shm', '/dev/shm', 'tmpfs', 'mode=1777,nosuid,nodev,noexec')
  mountProc(mount)
  mount('sysfs', '/sys', 'sysfs', 'ro,nosuid,nodev,noexec')
  // A copy of a part of /proc has to be one of the pod's own /proc: what is there by then.
  for (const path of readOnlyPaths)
    if (kinds.has(path)) mount(join(root, path), path, 'none', 'bind,ro,nosuid,nodev,noexec')
  for (const path of maskedPaths) {
    const kind = kinds.get(path)
    if (kind === 'folder') mount(empty, path, 'none', 'bind,ro')
    else if (kind === 'file') mount('/dev/null', path, 'none', 'bind')
  }

  checkNesting(files.map(({ target }) => throughLinks(target)))
  for (const { source, target, kind, readOnly } of files) {
    const path = throughLinks(target)
    const isFolder = kind === 'folder'
    checkPlace(path, isFolder)
    if (isFolder) for (const each of [...ancestorsOf(path), path]) place(each, 'folder')
    else if (!isIn(path, '/etc')) place(path, 'file')
    mount(source, path, 'none', volumeOptions(source, readOnly, mounts))
  }

  return plan()
}
