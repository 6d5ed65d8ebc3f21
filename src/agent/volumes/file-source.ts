/** Where the files of a volume come from that the node writes. */
import type { JsonObject } from '../../api/json.ts'
import { listIn, modeIn, textIn } from './fields.ts'

/** A key of the source and the file that it becomes; its mode, unless it has that of the volume. */
export interface Item {
  readonly key: string
  readonly path: string
  readonly mode?: number
}

export interface DownwardItem {
  readonly path: string
  readonly mode?: number
  readonly fieldPath?: string
  readonly resource?: { readonly containerName: string; readonly resource: string; readonly divisor: string }
}

export interface TokenSource {
  readonly kind: 'token'
  readonly path: string
  readonly audience: string
  readonly seconds: number
}

export interface DataSource {
  readonly kind: 'configmap' | 'secret'
  readonly name: string
  /** All keys, when missing. */
  readonly items?: readonly Item[]
  readonly optional: boolean
}

export interface DownwardSource {
  readonly kind: 'downward'
  readonly items: readonly DownwardItem[]
}

export type FileSource = TokenSource | DataSource | DownwardSource

export interface FileVolume {
  readonly name: string
  readonly mode: number
  readonly sources: readonly FileSource[]
}

const itemsIn = (value: JsonObject): { readonly items?: readonly Item[] } => {
  const items = listIn(value, 'items')
  if (!items || items.length === 0) return {}
  return {
    items: items.map((item) => ({ key: textIn(item, 'key'), path: textIn(item, 'path'), ...modeIn(item, 'mode') })),
  }
}

/** A Secret or a ConfigMap; `nameField` is where it is named. */
export const dataSource = (kind: DataSource['kind'], value: JsonObject, nameField: string): DataSource => ({
  ...{ kind, name: textIn(value, nameField), optional: value['optional'] === true },
  ...itemsIn(value),
})
