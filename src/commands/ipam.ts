import type { Command } from 'commander'

export interface IpamOptions {
  readonly kubeconfig?: string
  readonly lab?: string
  readonly leases?: string
  readonly output?: string
}

export const registerIpam = (program: Command): void => {
  program
    .command('ipam')
    .description('list the addresses of pods: who has which, on which node, since when, and how many are left')
    .option('--kubeconfig <file>', 'how to reach the control plane (default: as "podway kubeconfig" prints it)')
    .option('--lab <name>', 'the lab of this name')
    .option('--leases <file>', "a node's own book instead: /var/lib/podway/agent/leases.json")
    .option('-o, --output <format>', 'json')
    .addHelpText('after', '\nExamples:\n  podway ipam\n  podway ipam --leases /var/lib/podway/agent/leases.json')
    .action(async (options: IpamOptions) => (await import('./ipam-run.ts')).ipam(options))
}
