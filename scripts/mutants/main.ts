/**
 * Changes the sources of the named rooms in small ways, one at a time, and counts how many changes their unit tests notice.
 * Fails when these are fewer than the room has reached before (floors.json); `--raise` writes down what was reached.
 * `--only src/ip/cidr.ts:10-40` looks at a part of one room, and knows no floor.
 */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { raiseFloor, readFloors } from './floors.ts'
import { mutatedRooms } from './rooms.ts'
import { type Mutant, runRoom } from './run-room.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    concurrency: { type: 'string', default: '1' },
    raise: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
})

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').slice(0, 60)

const survivorText = ({ file, line, replacement }: Mutant): string => {
  const source = readFileSync(file, 'utf8').split('\n')[line - 1] ?? ''
  return `  ${relative('.', file)}:${line}: ${oneLine(source.trim())} → ${oneLine(replacement)}`
}

const names = positionals.length > 0 ? positionals : Object.keys(mutatedRooms)
for (const name of names) {
  const room = mutatedRooms[name]
  if (!room) throw new Error(`there is no room ${name} with mutants: ${Object.keys(mutatedRooms).join(', ')}`)
  const mutants = await runRoom(values.only ? { ...room, sources: [values.only] } : room, Number(values.concurrency))
  const survivors = mutants.filter(({ isNoticed }) => !isNoticed)
  const killed = mutants.length - survivors.length
  const score = Math.floor((1_000 * killed) / mutants.length) / 10
  const floor = readFloors()[name] ?? 0
  for (const survivor of survivors) console.log(survivorText(survivor))
  console.log(`${name}: ${killed} of ${mutants.length} mutants noticed, ${score} % (floor ${floor} %)`)
  if (values.only) continue
  if (values.raise) raiseFloor(name, score)
  if (score < floor) process.exitCode = 1
}
