import type { Command } from 'commander'

/** Which cluster a command asks. */
export interface ClusterAccess {
  readonly kubeconfig?: string
  readonly lab?: string
}

export const clusterOptions = (command: Command): Command =>
  command
    .option('--kubeconfig <file>', 'how to reach the control plane (default: as "podway kubeconfig" prints it)')
    .option('--lab <name>', 'the lab of this name')
