import type { Command } from 'commander'
import { type ClusterAccess, clusterOptions } from './cluster-options.ts'
import { countOption, secondsOption } from './options.ts'

export interface SimulateOptions extends ClusterAccess {
  readonly nodes: number
  readonly namePrefix: string
  readonly nodeCidr: string
  readonly cpu: string
  readonly memory: string
  readonly maxPods: number
  readonly startDelay: number
  readonly runFor: number
  readonly stopDelay: number
  readonly leasePeriod: number
  readonly deleteNodes?: boolean
}

export const registerSimulate = (program: Command): void => {
  clusterOptions(program.command('simulate'))
    .description('register nodes without a machine, which only say that they run their pods: for tests of size')
    .requiredOption('--nodes <count>', 'how many', countOption('nodes', 1, 10_000))
    .option('--name-prefix <text>', 'what their names begin with: sim-0, sim-1, …', 'sim')
    .option('--node-cidr <cidr>', 'their own addresses; nobody answers there', '198.18.0.0/15')
    .option('--cpu <amount>', 'what each has', '32')
    .option('--memory <amount>', 'the same', '256Gi')
    .option('--max-pods <count>', 'the same', countOption('pods', 1, 100_000), 110)
    .option('--start-delay <seconds>', 'from when a pod is bound until it is Running and Ready', secondsOption, 0)
    .option('--run-for <seconds>', 'how long pods run that are not restarted always', secondsOption, 1)
    .option('--stop-delay <seconds>', 'how long a pod takes to end, within its grace period', secondsOption, 0)
    .option(
      '--lease-period <seconds>',
      "how often a node renews its lease: well below the control plane's --node-grace (kubelets: 10, with 40)",
      secondsOption,
      3,
    )
    .option('--delete-nodes', 'delete the nodes at the end (default: they stay, and fall silent)')
    .addHelpText(
      'after',
      `
It runs until it is stopped; started again, it goes on with the nodes and pods that are there. Each node wants a podCIDR
of the control plane's: 1,000 nodes need "podway control --pod-cidr 10.128.0.0/9" or a longer --node-prefix.
Annotations of a pod with restartPolicy OnFailure or Never:
  simulate.podway.dev/run-seconds: "5"    how long it runs
  simulate.podway.dev/exit-code: "1"      how it ends then; with Never alone

Examples:
  podway simulate --nodes 10
  podway simulate --nodes 1000 --lease-period 10 --kubeconfig admin.kubeconfig    with podway control --node-grace 40`,
    )
    .action(async (options: SimulateOptions) => (await import('./simulate-run.ts')).simulate(options))
}
