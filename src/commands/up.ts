import type { Command } from 'commander'
import { type NodeOptions, nodeOptions } from './agent.ts'
import { type ClusterOptions, clusterOptions } from './control.ts'
import { portOption } from './options.ts'

export interface UpOptions extends ClusterOptions, Omit<NodeOptions, 'clusterCidr'> {
  readonly controlData: string
  readonly port: number
}

/** What the control plane's options say of the cluster, the agent's would only say again. */
const shared = ['--cluster-cidr', '--service-cidr', '--cluster-dns', '--cluster-domain', '--load-balancer-cidr']

export const registerUp = (program: Command): void => {
  const command = program.command('up')
  const agentOptions = nodeOptions(command.createCommand()).options.filter(({ long }) => !shared.includes(long ?? ''))
  for (const option of agentOptions) command.addOption(option)
  clusterOptions(command)
    .description('make this machine a cluster of one node: control plane and agent, on its own network')
    .optionsGroup('The cluster:')
    .option('--control-data <folder>', "the control plane's files", '/var/lib/podway/control')
    .option('--port <port>', 'the port of the API', portOption, 6443)
    .addHelpText(
      'after',
      `
It writes iptables rules, a bridge and routes on this machine ("podway cleanup" takes them away again).
To look around without touching the machine's network, use "podway lab up".

Examples:
  sudo podway up
  sudo kubectl --kubeconfig /var/lib/podway/control/admin.kubeconfig get nodes`,
    )
    .action(async (options: UpOptions) => (await import('./up-run.ts')).up(options))
}
