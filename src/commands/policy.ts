import type { Command } from 'commander'
import { type ClusterAccess, clusterOptions } from './cluster-options.ts'

export interface ExplainOptions extends ClusterAccess {
  readonly namespace: string
  readonly protocol: string
  readonly output?: string
}

export const registerPolicy = (program: Command): void => {
  const policy = program.command('policy').description('look at network policies')

  clusterOptions(policy.command('explain'))
    .description('tell whether a connection is allowed, and which rule says so')
    .argument('<from>', 'a pod (NAME or NAMESPACE/NAME) or an address')
    .argument('<to>', 'the same, with a port: web-1:80, db/main-0:5432, [fd00::1]:53')
    .option('-n, --namespace <name>', 'of pods that name none', 'default')
    .option('--protocol <name>', 'TCP, UDP or SCTP', 'TCP')
    .option('-o, --output <format>', 'json')
    .addHelpText(
      'after',
      `
Examples:
  podway policy explain web-1 db/main-0:5432
  podway policy explain 192.0.2.7 web-1:80 -o json`,
    )
    .action(async (from: string, to: string, options: ExplainOptions) =>
      (await import('./policy-run.ts')).explain(from, to, options),
    )
}
