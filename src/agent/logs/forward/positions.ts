/** How far a target has got in each log: kept on the disk, so that the next agent goes on there. */
import { isJsonObject } from '../../../api/json.ts'
import type { StringMap } from '../../../api/types/index.ts'
import { jsonOf, readOrSetAside } from '../../../host/durable-file.ts'
import { writeFileAtomic } from '../../../host/files.ts'

export interface Position {
  /** Everything before it was taken, or is lost. */
  readonly offset: number
  /** Of the pod, as it was known last: for when nobody else knows it any more. */
  readonly labels: StringMap
}

export type Positions = ReadonlyMap<string, Position>

interface Stored {
  /** For people who look at the file. */
  readonly target: string
  readonly logs: Readonly<Record<string, Position>>
}

const isPosition = (value: unknown): value is Position =>
  isJsonObject(value) &&
  Number.isSafeInteger(value['offset']) &&
  Number(value['offset']) >= 0 &&
  isJsonObject(value['labels']) &&
  Object.values(value['labels']).every((label) => typeof label === 'string')

const isStored = (value: unknown): value is Stored =>
  isJsonObject(value) && isJsonObject(value['logs']) && Object.values(value['logs']).every(isPosition)

/** One that is damaged is set aside: everything that is still there is sent again. */
export const readPositions = async (file: string, onDamage: (message: string) => void): Promise<Positions> => {
  const stored = await readOrSetAside(file, jsonOf('positions in logs', isStored), onDamage)
  return new Map(Object.entries(stored?.logs ?? {}))
}

export const writePositions = (file: string, target: string, positions: Positions): Promise<void> => {
  const stored: Stored = { target, logs: Object.fromEntries(positions) }
  return writeFileAtomic(file, JSON.stringify(stored))
}
