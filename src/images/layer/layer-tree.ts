/**
 * What a layer has had so far, path by path: where a new file may go is decided here, and never by following what is on the
 * disk. Links on the way lead where they would in the container, whose root is above all.
 */
import { damaged, unsupported } from '../image-error.ts'
import type { Limits } from '../limits.ts'
import type { Attributes } from '../tar/entry.ts'
import {
  joined,
  type LayerPath,
  namesOf,
  type PathLimits,
  parseLayerPath,
  below as pathBelow,
  shownPath,
  splitPath,
} from './layer-path.ts'
import type { LowerLayers } from './lower-layers.ts'

export type TreeNode =
  /** `hides`: what layers below have in it is not seen. */
  | { readonly kind: 'folder'; readonly attributes: Attributes; readonly hides: boolean }
  | { readonly kind: 'symlink'; readonly to: string }
  | { readonly kind: 'file' }
  | { readonly kind: 'whiteout' }
  /** In the archive, and not made: a device, where nobody may make one. */
  | { readonly kind: 'left out' }

export interface ImpliedFolder {
  readonly path: LayerPath
  readonly attributes: Attributes
}

export interface Placed {
  /** Without links. */
  readonly path: LayerPath
  /** Folders that have to be made first. */
  readonly implied: readonly ImpliedFolder[]
}

export interface LayerTree {
  at(path: LayerPath): TreeNode | undefined
  set(path: LayerPath, node: TreeNode): void
  /** The folder that a path leads to; those on the way that the archive did not name are in the tree then. */
  enter(path: LayerPath): Promise<Placed>
  folders(): Iterable<readonly [LayerPath, Extract<TreeNode, { kind: 'folder' }>]>
}

export type TreeLimits = PathLimits & Pick<Limits, 'layerEntries' | 'pathTableBytes'>

const linksOnTheWay = 40
/** Of a path in the table, besides its bytes. */
const bytesPerPath = 100
const impliedAttributes: Attributes = { mode: 0o755, uid: 0, gid: 0, mtime: '0', xattrs: [] }

/** Where a link leads, as names from the root: `..` ends there. */
const followed = (folder: readonly string[], to: string): readonly string[] => {
  const names: string[] = to.startsWith('/') ? [] : [...folder]
  for (const name of to.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return names
}

export const createLayerTree = (below: LowerLayers, limits: TreeLimits): LayerTree => {
  const nodes = new Map<LayerPath, TreeNode>()
  let bytes = 0

  const set = (path: LayerPath, node: TreeNode): void => {
    const before = nodes.get(path)
    if (before?.kind === 'folder' && node.kind !== 'folder')
      throw damaged(`${shownPath(path)} is a folder, and then something else`)
    nodes.set(path, node)
    if (before) return
    bytes += path.length + bytesPerPath
    if (nodes.size > limits.layerEntries)
      throw unsupported(`the layer has more than ${limits.layerEntries} files and folders`)
    if (bytes > limits.pathTableBytes)
      throw unsupported(`the paths of the layer take more than ${limits.pathTableBytes} bytes`)
  }

  /** What is at a path, of this layer or of those below; what is neither, or taken away, becomes a folder. */
  const step = async (path: LayerPath): Promise<{ readonly link: string } | { readonly folder?: ImpliedFolder }> => {
    const own = nodes.get(path)
    if (own?.kind === 'folder') return {}
    if (own?.kind === 'symlink') return { link: own.to }
    if (own && own.kind !== 'whiteout') throw damaged(`${shownPath(path)} is a file, and has files below it`)
    const found = own ? undefined : await below.at(path)
    if (found?.kind === 'symlink') return { link: found.to }
    const attributes = found?.kind === 'folder' ? found.attributes : impliedAttributes
    set(path, { kind: 'folder', attributes, hides: own !== undefined })
    return { folder: { path, attributes } }
  }

  const enter: LayerTree['enter'] = async (path) => {
    // A folder in the tree has nothing but folders above it.
    if (nodes.get(path)?.kind === 'folder') return { path, implied: [] }
    let names = namesOf(path)
    const implied: ImpliedFolder[] = []
    let links = 0
    for (let n = 0; n <= names.length; n++) {
      const at = joined(names.slice(0, n))
      const found = await step(at)
      if ('link' in found) {
        if (++links > linksOnTheWay) throw damaged(`${shownPath(path)} is behind too many links`)
        names = [...followed(names.slice(0, n - 1), found.link), ...names.slice(n)]
        parseLayerPath(joined(names), limits)
        // All of the way anew: the link may lead anywhere.
        n = -1
      } else if (found.folder) implied.push(found.folder)
    }
    return { path: joined(names), implied }
  }

  return {
    at: (path) => nodes.get(path),
    set,
    enter,
    folders: function* () {
      for (const [path, node] of nodes) if (node.kind === 'folder') yield [path, node]
    },
  }
}

/** Where a file of this path is to go: its folder is entered, and its own name is not followed. */
export const place = async (tree: LayerTree, path: LayerPath): Promise<Placed> => {
  const [folder, name] = splitPath(path)
  const entered = await tree.enter(folder)
  return { path: pathBelow(entered.path, name), implied: entered.implied }
}
