import { terminalLine } from '../host/terminal.ts'

/** Text tables for people: columns as wide as their widest cell. */
export const renderTable = (header: readonly string[], texts: readonly (readonly string[])[]): string => {
  const rows = texts.map((row) => row.map(terminalLine))
  const widths = header.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('   ')
      .trimEnd()
  return [header, ...rows].map(line).join('\n')
}
