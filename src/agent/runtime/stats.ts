/** What containers use. */
import type { Usage } from '../usage/usage.ts'

export interface Stats {
  /** One reading of all containers that run, by their ids. Cheap enough to be made every few seconds. */
  read(): Promise<ReadonlyMap<string, Usage>>
  /** The folder with what a container has written to its own root; undefined where that is not on the node's disk. */
  writableOf(container: string): string | undefined
}
