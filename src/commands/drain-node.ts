import type { Command } from 'commander'
import { durationOption } from './options.ts'

export interface DrainNodeOptions {
  readonly grace: number
  readonly critical: number
  readonly state: string
  readonly cancel?: boolean
}

export const registerDrainNode = (program: Command): void => {
  program
    .command('drain-node')
    .description('end the pods of this machine in order before it stops, and take no new ones')
    .option('--grace <duration>', 'how long pods may take in all', durationOption, 30)
    .option('--critical <duration>', 'how much of that is kept for critical pods, which go last', durationOption, 10)
    .option('--state <folder>', "the agent's state folder", '/run/podway')
    .option('--cancel', 'the machine goes on: take pods again')
    .addHelpText(
      'after',
      `
The running agent does it; this waits for it. Stopping the agent alone ends no pod. For systemd, in the agent's unit:
  ExecStop=/bin/sh -c 'test "$(systemctl is-system-running)" != stopping || podway drain-node --grace 30s --critical 10s'
  KillMode=process
  TimeoutStopSec=60

Examples:
  podway drain-node
  podway drain-node --grace 2m --critical 20s
  podway drain-node --cancel`,
    )
    .action(async (options: DrainNodeOptions) => (await import('./drain-node-run.ts')).drainNode(options))
}
