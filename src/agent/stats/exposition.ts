/**
 * Prometheus' text format, of numbers that were read at a moment before: prom-client knows no timestamps, without which a rate
 * between two scrapes is wrong by as much as the moments of reading differ.
 */

export type Labels = Readonly<Record<string, string>>

export interface Series {
  readonly labels?: Labels
  readonly value: number
  /** Milliseconds since 1970. */
  readonly at?: number
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly series: readonly Series[]
}

export const expositionType = 'text/plain; version=0.0.4; charset=utf-8'

const escaped = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

const labelsText = (labels: Labels = {}): string => {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return parts.length === 0 ? '' : `{${parts.join(',')}}`
}

const lineOf = (name: string, { labels, value, at }: Series): string =>
  `${name}${labelsText(labels)} ${value}${at === undefined ? '' : ` ${at}`}\n`

/** Families without series are left out. */
export const exposition = (families: readonly Family[]): string =>
  families
    .filter(({ series }) => series.length > 0)
    .map(
      ({ name, help, type, series }) =>
        `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${series.map((each) => lineOf(name, each)).join('')}`,
    )
    .join('')
