import { statfs } from 'node:fs/promises'
import type { Disk } from './candidates.ts'

/** Of what root may use, as others count it, too. */
export const readDisk = async (folder: string): Promise<Disk> => {
  const { bsize, blocks, bavail } = await statfs(folder)
  return { capacityBytes: blocks * bsize, availableBytes: bavail * bsize }
}
