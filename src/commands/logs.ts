import type { Command } from 'commander'
import { type ClusterAccess, clusterOptions } from './cluster-options.ts'
import { countOption, durationOption } from './options.ts'

export interface LogsOptions extends ClusterAccess {
  readonly namespace: string
  readonly allNamespaces?: boolean
  readonly selector?: string
  readonly container?: string
  readonly follow?: boolean
  readonly previous?: boolean
  readonly since?: number
  readonly tail?: number
  readonly timestamps?: boolean
  readonly prefix?: boolean
  readonly maxLogRequests: number
  readonly output?: string
}

export const registerLogs = (program: Command): void => {
  clusterOptions(program.command('logs'))
    .description('print, or follow, the logs of all pods that match, on all nodes')
    .argument('[pod...]', 'their names (default: all that match)')
    .option('-n, --namespace <name>', 'of this namespace', 'default')
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('-l, --selector <selector>', 'of pods with these labels: app=web,tier!=cache')
    .option('-c, --container <name>', 'of this container of each pod (default: all, init containers included)')
    .option('-f, --follow', 'go on, also with pods that come later')
    .option('-p, --previous', 'of the instances before the present ones')
    .option('--since <duration>', 'what is no older than this, such as 30s or 2h', durationOption)
    .option('--tail <lines>', 'so many lines from the end of each log', countOption('lines', 0, 1e9))
    .option('--timestamps', 'each line with its time')
    .option('--prefix', 'each line with the pod and the container that wrote it')
    .option('--max-log-requests <n>', 'so many logs at the same time', countOption('a number', 1, 10_000), 200)
    .option('-o, --output <format>', 'json: a line of JSON each')
    .addHelpText(
      'after',
      `
Lines are in the order of their times, or of their coming when they are followed. A node that does not answer is
told on standard error; with -f it is asked again until it does.

Examples:
  podway logs -f -l app=web -A --prefix
  podway logs web-0 web-1 -c echo --since 10m --timestamps
  podway logs -n kube-system --tail 20 -o json | jq -r .log

Exit codes: 0 done, 1 a log could not be read, 2 wrong use.`,
    )
    .action(async (pods: string[], options: LogsOptions) => (await import('./logs-run.ts')).logs(pods, options))
}
