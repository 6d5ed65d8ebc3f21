import type { Command } from 'commander'
import { type ClusterAccess, clusterOptions } from './cluster-options.ts'
import { durationOption } from './options.ts'

export interface RollingUpdateOptions extends ClusterAccess {
  readonly namespace: string
  readonly filename?: string
  readonly image?: string
  readonly container?: string
  readonly imagePullPolicy?: string
  readonly deploymentLabelKey: string
  readonly rollback?: boolean
  readonly dryRun?: boolean
  /** Seconds. */
  readonly updatePeriod: number
  readonly pollInterval: number
  readonly timeout: number
}

export const registerRollingUpdate = (program: Command): void => {
  clusterOptions(program.command('rolling-update'))
    .description('replace the pods of a ReplicationController one by one by those of another')
    .argument('<old>', 'the controller whose pods are replaced')
    .argument(
      '[new]',
      'the name of the new one with --image or --rollback (default with --image: the old name is kept)',
    )
    .option('-n, --namespace <name>', 'of this namespace', 'default')
    .option('-f, --filename <file>', 'the new controller, as YAML or JSON; "-": standard input')
    .option('--image <image>', 'the old controller with this image')
    .option('--container <name>', 'the container that gets the image, when pods have several')
    .option('--image-pull-policy <policy>', 'its imagePullPolicy; needed when the image stays the same')
    .option('--deployment-label-key <key>', 'with --image, old and new pods are told apart by this label', 'deployment')
    .option('--rollback', 'reverse an update that is not finished')
    .option('--update-period <duration>', 'wait so long between pods', durationOption, 60)
    .option('--poll-interval <duration>', 'ask so often what has become of a change', durationOption, 3)
    .option('--timeout <duration>', 'give up when nothing goes on for so long', durationOption, 300)
    .option('--dry-run', 'say what would be done')
    .addHelpText(
      'after',
      `
As kubectl had it until 1.17. There is one pod more than wanted at most, and none less is available. Both selectors must have a
label of which each wants another value; --image adds one (deployment). An update that was interrupted, at whatever
moment, goes on when it is asked for once more; what has been done is noted in annotations (kubectl.kubernetes.io/...).

Examples:
  podway rolling-update web-v1 -f web-v2.yaml
  podway rolling-update web-v1 -f web-v2.yaml --update-period 10s --timeout 2m
  podway rolling-update web-v1 web-v2 --image example/web:2
  podway rolling-update web --image example/web:2      web is its name in the end, too
  podway rolling-update web-v1 web-v2 --rollback

Exit codes: 0 done, 1 failed, 2 wrong use.`,
    )
    .action(async (old: string, next: string | undefined, options: RollingUpdateOptions) =>
      (await import('./rolling-update-run.ts')).rollingUpdateCommand(old, next, options),
    )
}
