/**
 * Makes of the archive of a layer, which may be anybody's, one that is safe to unpack and that an overlay takes: every path plain
 * and confined, folders named before what is in them, no path through a link, whiteouts as the kernel wants them, only such owners,
 * devices and attributes as this node can make. What it promises of the layer is what its tests try to break.
 */
import { damaged, unsupported } from '../image-error.ts'
import type { Limits } from '../limits.ts'
import type { Attributes, Entry, Xattr } from '../tar/entry.ts'
import type { TarReader } from '../tar/reader.ts'
import { endOfArchive, paddingAfter, renderEntry } from '../tar/writer.ts'
import { type LayerPath, parseLayerPath, root, shownPath } from './layer-path.ts'
import { createLayerTree, type ImpliedFolder, type LayerTree, place, type TreeNode } from './layer-tree.ts'
import type { LowerLayers } from './lower-layers.ts'
import { markOf } from './whiteout.ts'

/** What this node can make. */
export interface NodeAbilities {
  /** Whether a user id, and whether a group id, exists here. */
  readonly hasUser: (id: number) => boolean
  readonly hasGroup: (id: number) => boolean
  readonly canMakeDevices: boolean
  /** Whose attributes the overlay is to read: the administrator's, or those that anybody may set. */
  readonly overlayXattrs: 'trusted' | 'user'
}

export type CleanLimits = Pick<
  Limits,
  'layerBytes' | 'layerEntries' | 'pathDepth' | 'pathBytes' | 'nameBytes' | 'pathTableBytes' | 'xattrBytes'
>

/** What came of a layer, and what could not be made. */
export interface LayerFacts {
  readonly entries: number
  /** Of the data of its files. */
  readonly bytes: number
  /** Folders that hide what is below them. */
  readonly opaque: readonly LayerPath[]
  /** Files of owners that do not exist here: they are root's. */
  readonly foreignOwners: number
  readonly devicesLeftOut: number
  readonly xattrsLeftOut: number
}

export interface CleanedLayer {
  /** The archive. */
  readonly chunks: AsyncIterable<Buffer>
  /** Once all of it was read. */
  facts(): LayerFacts
}

const xattrForm =
  /^(?:user\.(?!overlay\.)[ -$&-<>-~]{1,200}|security\.capability|system\.posix_acl_(?:access|default))$/

interface State {
  readonly tree: LayerTree
  readonly abilities: NodeAbilities
  readonly limits: CleanLimits
  readonly isLowest: boolean
  entries: number
  bytes: number
  foreignOwners: number
  devicesLeftOut: number
  xattrsLeftOut: number
}

const xattrsFor = (state: State, xattrs: readonly Xattr[]): readonly Xattr[] => {
  if (xattrs.length === 0) return xattrs
  const taken = xattrs.filter(({ name, value }) => xattrForm.test(name) && value.length <= state.limits.xattrBytes)
  state.xattrsLeftOut += xattrs.length - taken.length
  return taken
}

const setIdBits = 0o6000

/** What belongs to somebody unknown belongs to root, and does not lend root's rights to whoever runs it. */
const attributesFor = (state: State, { mode, uid, gid, mtime, xattrs }: Attributes): Attributes => {
  const hasUser = state.abilities.hasUser(uid)
  const hasGroup = state.abilities.hasGroup(gid)
  const isForeign = !hasUser || !hasGroup
  if (isForeign) state.foreignOwners++
  return {
    mode: isForeign ? mode & ~setIdBits : mode,
    uid: hasUser ? uid : 0,
    gid: hasGroup ? gid : 0,
    mtime,
    xattrs: xattrsFor(state, xattrs),
  }
}

const plain = { bytes: 0, link: '', device: [0, 0], sparse: undefined } as const

const folderEntry = (path: LayerPath, attributes: Attributes): Entry => ({
  ...plain,
  ...attributes,
  kind: 'folder',
  path: `./${path}${path === root ? '' : '/'}`,
})

const impliedEntries = (implied: readonly ImpliedFolder[]): readonly Buffer[] =>
  implied.flatMap(({ path, attributes }) => renderEntry(folderEntry(path, attributes)))

const whiteoutEntry = (path: LayerPath): Entry => ({
  ...plain,
  ...{ path: `./${path}`, kind: 'character device', mode: 0, uid: 0, gid: 0, mtime: '0', xattrs: [] },
})

const whiteout = async (state: State, path: LayerPath): Promise<readonly Buffer[]> => {
  const { tree } = state
  const placed = await place(tree, path)
  const before = impliedEntries(placed.implied)
  const own = tree.at(placed.path)
  // A folder of this layer that takes the place of one below: it hides what that had.
  if (own?.kind === 'folder') tree.set(placed.path, { ...own, hides: true })
  if (own || placed.path === root) return before
  tree.set(placed.path, { kind: 'whiteout' })
  return [...before, ...renderEntry(whiteoutEntry(placed.path))]
}

const opaque = async ({ tree }: State, folder: LayerPath): Promise<readonly Buffer[]> => {
  const { path, implied } = await tree.enter(folder)
  const own = tree.at(path)
  if (own?.kind === 'folder') tree.set(path, { ...own, hides: true })
  return impliedEntries(implied)
}

const isDevice = ({ kind }: Entry): boolean => kind === 'character device' || kind === 'block device'

/** Most of what a layer has: one for all of them. */
const file: TreeNode = { kind: 'file' }
const leftOut: TreeNode = { kind: 'left out' }

const nodeFor = (state: State, entry: Entry, attributes: Attributes, before: TreeNode | undefined): TreeNode => {
  if (entry.kind === 'folder')
    return {
      kind: 'folder',
      attributes,
      hides: before?.kind === 'whiteout' || (before?.kind === 'folder' && before.hides),
    }
  if (entry.kind === 'symlink') return { kind: 'symlink', to: entry.link }
  return isDevice(entry) && !state.abilities.canMakeDevices ? leftOut : file
}

/** The header of a hard link; nothing where the file was left out. */
const hardLink = async (state: State, entry: Entry, path: LayerPath): Promise<readonly Buffer[]> => {
  const { tree, limits } = state
  const target = await place(tree, parseLayerPath(entry.link, limits))
  const node = tree.at(target.path)
  const before = impliedEntries(target.implied)
  if (!node || node.kind === 'folder' || node.kind === 'whiteout')
    throw damaged(`${shownPath(path)} is a hard link to ${shownPath(target.path)}, which is no file of this layer`)
  // A file that is linked to itself stays what it is.
  if (target.path === path) return before
  tree.set(path, node)
  if (node.kind === 'left out') return before
  return [...before, ...renderEntry({ ...entry, path: `./${path}`, link: `./${target.path}`, xattrs: [] })]
}

/** All that stands before the data of an entry. */
const header = async (state: State, entry: Entry, path: LayerPath): Promise<readonly Buffer[]> => {
  const { tree } = state
  const placed = path === root ? { path, implied: [] } : await place(tree, path)
  const before = impliedEntries(placed.implied)
  if (placed.path === root && entry.kind !== 'folder') throw damaged('the root of the layer is no folder')
  if (entry.kind === 'hardlink') return [...before, ...(await hardLink(state, entry, placed.path))]
  const attributes = attributesFor(state, entry)
  const node = nodeFor(state, entry, attributes, tree.at(placed.path))
  tree.set(placed.path, node)
  if (node.kind === 'left out') {
    state.devicesLeftOut++
    return before
  }
  if (node.kind === 'folder') return [...before, ...renderEntry(folderEntry(placed.path, attributes))]
  const link = entry.kind === 'symlink' ? entry.link : ''
  return [...before, ...renderEntry({ ...entry, ...attributes, path: `./${placed.path}`, link })]
}

const markEntry = async (state: State, path: LayerPath): Promise<readonly Buffer[] | undefined> => {
  const mark = markOf(path)
  switch (mark?.kind) {
    case undefined:
      return undefined
    case 'ignored':
      return []
    // There is nothing below the lowest layer.
    case 'whiteout':
      return state.isLowest ? [] : whiteout(state, mark.path)
    case 'opaque':
      return state.isLowest ? [] : opaque(state, mark.folder)
  }
}

const count = (state: State, entry: Entry): void => {
  state.entries++
  state.bytes += entry.bytes
  if (state.entries > state.limits.layerEntries)
    throw unsupported(`the layer has more than ${state.limits.layerEntries} files and folders`)
  if (state.bytes > state.limits.layerBytes)
    throw unsupported(`the files of the layer have more than ${state.limits.layerBytes} bytes`)
}

/** Once more each folder that hides what is below it, with the attribute that says so. */
const opaqueEntries = ({ tree, abilities }: State): readonly Buffer[] => {
  const mark: Xattr = { name: `${abilities.overlayXattrs}.overlay.opaque`, value: 'y' }
  return [...tree.folders()].flatMap(([path, { attributes, hides }]) =>
    hides ? renderEntry(folderEntry(path, { ...attributes, xattrs: [...attributes.xattrs, mark] })) : [],
  )
}

async function* cleaned(reader: TarReader, state: State): AsyncGenerator<Buffer, void> {
  for (let entry = await reader.next(); entry; entry = await reader.next()) {
    count(state, entry)
    const path = parseLayerPath(entry.path, state.limits)
    const mark = await markEntry(state, path)
    yield* mark ?? (await header(state, entry, path))
    if (mark || entry.kind !== 'file') continue
    for (let chunk = await reader.data(); chunk; chunk = await reader.data()) yield chunk
    yield paddingAfter(entry.bytes)
  }
  await reader.rest()
  yield* opaqueEntries(state)
  yield endOfArchive()
}

const largeBytes = 32 * 1024
const togetherBytes = 128 * 1024

/** Many small pieces are one write. */
async function* together(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let waiting: Buffer[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    waiting.push(chunk)
    bytes += chunk.length
    if (chunk.length < largeBytes && bytes < togetherBytes) continue
    yield waiting.length === 1 ? chunk : Buffer.concat(waiting)
    waiting = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(waiting)
}

/** `below`: undefined for the lowest layer. Reading its chunks throws `ImageError` for what breaks the rules. */
export const cleanLayer = (
  reader: TarReader,
  below: LowerLayers | undefined,
  abilities: NodeAbilities,
  limits: CleanLimits,
): CleanedLayer => {
  const tree = createLayerTree(below ?? { at: async () => undefined }, limits)
  const counts = { entries: 0, bytes: 0, foreignOwners: 0, devicesLeftOut: 0, xattrsLeftOut: 0 }
  const state: State = { tree, abilities, limits, isLowest: below === undefined, ...counts }
  return {
    chunks: together(cleaned(reader, state)),
    facts: () => {
      const { entries, bytes, foreignOwners, devicesLeftOut, xattrsLeftOut } = state
      const hiding = [...tree.folders()].flatMap(([path, { hides }]) => (hides ? [path] : []))
      return { entries, bytes, opaque: hiding, foreignOwners, devicesLeftOut, xattrsLeftOut }
    },
  }
}
