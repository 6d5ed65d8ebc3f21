/** What was measured, for people and for programs. */

export interface Row {
  readonly what: string
  readonly measured: string
  readonly aim?: string
  /** Whether the aim was met. */
  readonly met?: boolean
}

export const sorted = (values: readonly number[]): readonly number[] => values.toSorted((a, b) => a - b)

/** What else runs on a machine only makes rates worse. */
export const best = (values: readonly number[]): number => Math.max(...values)

/** The value below which so much of them lies. */
export const quantile = (values: readonly number[], share: number): number =>
  sorted(values)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN

export const median = (values: readonly number[]): number => quantile(values, 0.5)

export const atLeast = (what: string, ratio: number, aim: number, of: string): Row => ({
  ...{ what, measured: `${ratio.toFixed(2)} × ${of}`, aim: `≥ ${aim} ×`, met: ratio >= aim },
})

export const atMost = (what: string, ratio: number, aim: number, of: string): Row => ({
  ...{ what, measured: `${ratio.toFixed(2)} × ${of}`, aim: `≤ ${aim} ×`, met: ratio <= aim },
})

const verdict = ({ met }: Row): string => (met === undefined ? '' : met ? 'met' : 'MISSED')

export const printTable = (rows: readonly Row[]): void => {
  const cells = rows.map((row) => [row.what, row.measured, row.aim ?? '', verdict(row)])
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  for (const row of cells)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
}
