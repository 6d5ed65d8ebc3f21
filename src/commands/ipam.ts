import type { Command } from 'commander'
import { type ClusterAccess, clusterOptions } from './cluster-options.ts'

export interface IpamOptions extends ClusterAccess {
  readonly leases?: string
  readonly output?: string
}

export const registerIpam = (program: Command): void => {
  clusterOptions(program.command('ipam'))
    .description('list the addresses of pods: who has which, on which node, since when, and how many are left')
    .option('--leases <file>', "a node's own book instead: /var/lib/podway/agent/leases.json")
    .option('-o, --output <format>', 'json')
    .addHelpText('after', '\nExamples:\n  podway ipam\n  podway ipam --leases /var/lib/podway/agent/leases.json')
    .action(async (options: IpamOptions) => (await import('./ipam-run.ts')).ipam(options))
}
