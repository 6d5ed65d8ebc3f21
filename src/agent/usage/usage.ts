/** What something uses, as it was read at one moment. */

export interface MemoryUsage {
  /** All pages that are charged to it, those of files included. */
  readonly usageBytes: number
  /** Without pages of files that can be had back at once: what `kubectl top` shows. */
  readonly workingSetBytes: number
  /** Its own memory: no pages of files. */
  readonly rssBytes: number
  readonly pageFaults: number
  readonly majorPageFaults: number
}

export interface Usage {
  /** All that it has used so far. */
  readonly cpuNanoseconds: number
  readonly memory: MemoryUsage
  readonly processes: number
}

/** What one network interface has carried so far. */
export interface InterfaceCounters {
  readonly name: string
  readonly rxBytes: number
  readonly rxPackets: number
  readonly rxErrors: number
  readonly rxDropped: number
  readonly txBytes: number
  readonly txPackets: number
  readonly txErrors: number
  readonly txDropped: number
}

export interface FilesystemUsage {
  readonly capacityBytes: number
  readonly availableBytes: number
  readonly usedBytes: number
  readonly inodes: number
  readonly inodesFree: number
}
