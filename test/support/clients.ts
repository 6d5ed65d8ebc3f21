/** Stock clients of the API: those that `scripts/clients.sh` has brought, or those that a variable names. */
import { globSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '../../node_modules/.cache/clients')

/** `PODWAY_HELM=PATH:PATH`; commas and spaces part paths as well. */
const named = (variable: string): readonly string[] =>
  (process.env[variable] ?? '').split(/[\s,:]+/).filter((path) => path !== '')

const brought = (program: string): readonly string[] => globSync(join(folder, '*', program)).sort()

const orNamed = (variable: string, others: readonly string[]): readonly string[] => {
  const paths = named(variable)
  return paths.length > 0 ? paths : others
}

export const helms = (): readonly string[] => orNamed('PODWAY_HELM', brought('helm'))

/** The one on the PATH and those that were brought, or those of `PODWAY_KUBECTL`. */
export const kubectls = (): readonly string[] => orNamed('PODWAY_KUBECTL', ['kubectl', ...brought('kubectl')])

/** Why a test is skipped where there is none. */
export const noHelm = 'no Helm here: `sh scripts/clients.sh` brings it, or PODWAY_HELM=PATH names it'
