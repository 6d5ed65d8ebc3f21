import type { Command } from 'commander'

export const registerCleanup = (program: Command): void => {
  program
    .command('cleanup')
    .description('take everything away that an agent has made on this machine: pods, devices, routes, rules')
    .option('--state <folder>', "the agent's state folder", '/run/podway')
    .option('--data <folder>', "the agent's data folder", '/var/lib/podway/agent')
    .option('--cgroup-parent <name>', 'the control group of its pods', 'podway')
    .option('--keep-data', 'keep its certificate, leases and logs')
    .option(
      '--only <parts>',
      "rules, devices and routes of some of network,proxy,dns,ingress: somebody else's take over",
    )
    .addHelpText(
      'after',
      `
Stop the agent first: it would make everything again.

Examples:
  podway cleanup
  podway cleanup --only proxy    before kube-proxy comes back; pods and their network stay`,
    )
    .action(async (options: CleanupOptions) => (await import('./cleanup-run.ts')).cleanup(options))
}

export interface CleanupOptions {
  readonly state: string
  readonly data: string
  readonly cgroupParent: string
  readonly keepData?: boolean
  readonly only?: string
}
