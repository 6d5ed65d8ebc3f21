/** What containers use. */
import type { Usage } from '../usage/usage.ts'

export interface Stats {
  /** One reading of all containers that run, by their ids. Cheap enough to be made every few seconds. */
  read(): Promise<ReadonlyMap<string, Usage>>
}
