/** What containers use: by their control groups as far as those tell, and by their processes for the rest. */
import { type GroupUsage, readGroupUsage } from './cgroup-usage.ts'
import {
  familyIn,
  type ProcessRow,
  type ProcessTable,
  readPageBytes,
  readPages,
  readProcessTable,
  usageOf,
} from './process-table.ts'
import type { Usage } from './usage.ts'

/** Where to look. */
export interface MeasuredContainer {
  readonly id: string
  /** The folders of its control groups; none where there are none. */
  readonly cgroups: readonly string[]
  /** The process that has started it: its children and its session are the container. */
  readonly leader: number
}

let pageBytes: number | undefined

const membersOf = (
  { members }: GroupUsage,
  { leader }: MeasuredContainer,
  table: ProcessTable,
): readonly ProcessRow[] =>
  members
    ? members.flatMap((pid) => {
        const row = table.rows.get(pid)
        return row ? [row] : []
      })
    : familyIn(table, leader)

/** One reading of all; by id. The processes of the machine are looked at only if some group does not tell all. */
export const readContainers = (containers: readonly MeasuredContainer[]): ReadonlyMap<string, Usage> => {
  let table: ProcessTable | undefined
  const measure = (container: MeasuredContainer): Usage => {
    const group = readGroupUsage(container.cgroups)
    const { cpuNanoseconds, memory, members = [] } = group
    if (cpuNanoseconds !== undefined && memory) return { cpuNanoseconds, memory, processes: members.length }
    pageBytes ??= readPageBytes()
    table ??= readProcessTable()
    const seen = usageOf(membersOf(group, container, table), readPages, pageBytes)
    return {
      ...seen,
      ...(cpuNanoseconds === undefined ? {} : { cpuNanoseconds }),
      ...(memory ? { memory } : {}),
    }
  }
  return new Map(containers.map((container) => [container.id, measure(container)]))
}
