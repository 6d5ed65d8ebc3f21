import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { print } from '../host/terminal.ts'
import { podwayHome } from './home.ts'

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )

/** The kubeconfig of `podway up` on this machine. */
export const localKubeconfig = (): string => join(podwayHome(), 'kubeconfig')

/** The administrator's kubeconfig: of the lab of this name, or of `podway up`, or of the lab named `lab`. */
export const findKubeconfig = async (lab: string | undefined): Promise<string> => {
  const { checkLabName, defaultLabName, labPaths } = await import('../lab/plan.ts')
  const { readLab } = await import('../lab/state.ts')
  if (lab === undefined && (await exists(localKubeconfig()))) return localKubeconfig()
  const name = checkLabName(lab ?? defaultLabName)
  const paths = labPaths(podwayHome(), name)
  if (!(await readLab(paths)))
    throw new Error(`no lab named ${name} is up; start it with: podway lab up --name ${name}`)
  if (!(await exists(paths.kubeconfig)))
    throw new Error(`lab ${name} is still starting; see: podway lab status --name ${name}`)
  return paths.kubeconfig
}

export const registerKubeconfig = (program: Command): void => {
  program
    .command('kubeconfig')
    .description('print the path of an administrator kubeconfig, for kubectl --kubeconfig')
    .option('--lab <name>', 'of the lab of this name (default: of "podway up", else of the lab named lab)')
    .addHelpText('after', '\nExample:\n  kubectl --kubeconfig $(podway kubeconfig) get pods -A')
    .action(async ({ lab }: { readonly lab?: string }) => print(await findKubeconfig(lab)))
}
