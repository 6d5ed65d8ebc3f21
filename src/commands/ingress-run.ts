import type { Ingress } from '../api/types/index.ts'
import { counted } from '../host/counted.ts'
import { print, printMarked, terminalLine } from '../host/terminal.ts'
import type { Finding } from '../proxy/ingress/lint/finding.ts'
import { lintIngresses } from '../proxy/ingress/lint/lint.ts'
import type { LintOptions } from './ingress.ts'
import { dataOf, ingressOf, keyOf } from './ingress-objects.ts'
import { readManifestFile } from './manifest-file.ts'
import { ManifestError, type Mapping, readManifests } from './manifests.ts'
import { checkOutput, printJson } from './output.ts'

type Data = Readonly<Record<string, string>>

/** One line of the report. */
interface Report {
  readonly file: string
  /** `Ingress default/web`; missing when it is the whole file. */
  readonly object?: string
  readonly severity: Finding['severity']
  readonly at?: string
  readonly value?: string
  readonly message: string
}

interface World {
  readonly files: Map<Ingress, string>
  readonly secrets: Map<string, Data>
  readonly configMaps: Map<string, Data>
  readonly reports: Report[]
}

/** What a broken object is called as far as can be told. */
const nameOf = (object: Mapping): string => {
  const { name, namespace } = (object['metadata'] ?? {}) as Mapping
  return [object['kind'], [namespace, name].filter((part) => typeof part === 'string').join('/')].join(' ').trim()
}

const take = (world: World, file: string, object: Mapping, namespace: string): void => {
  const { kind } = object
  if (kind === 'Ingress') return void world.files.set(ingressOf(object, namespace), file)
  if (kind !== 'Secret' && kind !== 'ConfigMap') return
  const holder = kind === 'Secret' ? world.secrets : world.configMaps
  holder.set(keyOf(object, namespace), dataOf(object))
}

/** Runs `work`; what is wrong with a manifest becomes a line of the report. */
const reporting = (world: World, file: string, object: Mapping | undefined, work: () => void): void => {
  try {
    work()
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    const named = object ? { object: nameOf(object) } : {}
    world.reports.push({ file, ...named, severity: 'error', message: error.message })
  }
}

const readWorld = async (files: readonly string[], namespace: string): Promise<World> => {
  const world: World = { files: new Map(), secrets: new Map(), configMaps: new Map(), reports: [] }
  for (const file of files) {
    const source = await readManifestFile(file)
    reporting(world, file, undefined, () => {
      for (const object of readManifests(source))
        reporting(world, file, object, () => take(world, file, object, namespace))
    })
  }
  return world
}

const reportOf = ({ files }: World, { ingress, ...rest }: Finding): Report => {
  const { namespace, name } = ingress.metadata
  return { file: files.get(ingress) ?? '', object: `Ingress ${namespace}/${name}`, ...rest }
}

const longestValue = 100

const quoted = (value: string): string =>
  JSON.stringify(value.length > longestValue ? `${value.slice(0, longestValue)}...` : value)

const colours: Readonly<Record<Finding['severity'], number>> = { error: 31, warning: 33 }

const printReport = ({ file, object, severity, at, value, message }: Report): void => {
  const place = at === undefined ? [] : [value === undefined ? at : `${at} ${quoted(value)}`]
  const before = [file, ...(object === undefined ? [] : [object]), ...place].join(': ')
  const told = severity === 'warning' ? `${message} (warning)` : message
  printMarked({ before: `${terminalLine(before)}: `, colour: colours[severity], mark: terminalLine(told) })
}

const summary = (count: number, reports: readonly Report[]): string => {
  const errors = reports.filter(({ severity }) => severity === 'error').length
  const warnings = counted(reports.length - errors, 'warning')
  return `${counted(count, 'Ingress', 'Ingresses')}: ${counted(errors, 'error')}, ${warnings}`
}

export const lint = async (files: readonly string[], { namespace, output }: LintOptions): Promise<void> => {
  checkOutput(output)
  const world = await readWorld(files, namespace)
  const lookup = {
    secret: (key: string) => world.secrets.get(key),
    configMap: (key: string) => world.configMaps.get(key),
  }
  const findings = lintIngresses([...world.files.keys()], { lookup, isComplete: false })
  const reports = [...world.reports, ...findings.map((finding) => reportOf(world, finding))]
  if (output === 'json') printJson(reports)
  else {
    for (const report of reports) printReport(report)
    print(summary(world.files.size, reports))
  }
  if (reports.some(({ severity }) => severity === 'error')) process.exitCode = 1
}
