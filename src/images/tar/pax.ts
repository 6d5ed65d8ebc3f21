/** Extended headers of pax: `27 path=…\n`, each with its own length. Pure. */
import { damaged } from '../image-error.ts'

/** Of a record that stands twice, the last counts; GNU's old sparse files repeat two of them, and all are needed. */
export interface PaxRecords {
  readonly values: ReadonlyMap<string, string>
  readonly sparseNumbers: readonly string[]
}

const sparseNames = ['GNU.sparse.offset', 'GNU.sparse.numbytes']

export const parsePax = (bytes: Buffer): PaxRecords => {
  const values = new Map<string, string>()
  const sparseNumbers: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(32, at)
    const digits = space < 0 || space - at > 10 ? '' : bytes.toString('latin1', at, space)
    const end = at + Number(digits)
    const equals = bytes.indexOf(61, space)
    if (!/^[1-9]\d*$/.test(digits) || end > bytes.length || equals < 0 || equals >= end || bytes[end - 1] !== 10)
      throw damaged('an extended header of the archive is malformed')
    const name = bytes.toString('latin1', space + 1, equals)
    const value = bytes.toString('latin1', equals + 1, end - 1)
    if (sparseNames.includes(name)) sparseNumbers.push(value)
    else values.set(name, value)
    at = end
  }
  return { values, sparseNumbers }
}

/** A record counts its own length, which may add a digit to it. */
export const renderPax = (name: string, value: string): string => {
  const rest = name.length + value.length + 3
  let length = rest + String(rest).length
  length = rest + String(length).length
  return `${length} ${name}=${value}\n`
}
