/** What each room has reached once, in percent of its mutants. */
import { readFileSync, writeFileSync } from 'node:fs'

export type Floors = Readonly<Record<string, number>>

const file = new URL('floors.json', import.meta.url)

export const readFloors = (): Floors => {
  const floors: Floors = JSON.parse(readFileSync(file, 'utf8'))
  return floors
}

/** A floor rises to what was reached, and never sinks. */
export const raiseFloor = (name: string, score: number): void => {
  const floors = readFloors()
  if ((floors[name] ?? 0) >= score) return
  writeFileSync(file, `${JSON.stringify({ ...floors, [name]: score }, null, 2)}\n`)
}
