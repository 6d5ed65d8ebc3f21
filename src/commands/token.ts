import type { Command } from 'commander'
import { durationOption } from './options.ts'

/** Which control plane is asked. */
export interface TokenAccess {
  readonly data: string
  readonly kubeconfig?: string
  readonly lab?: string
}

export interface TokenCreateOptions extends TokenAccess {
  /** Seconds; 0: for ever. */
  readonly ttl: number
  readonly description?: string
  readonly output?: string
  /** For a control plane in place of a node. */
  readonly controlPlane?: boolean
}

export interface TokenListOptions extends TokenAccess {
  readonly output?: string
}

const access = (command: Command): Command =>
  command
    .option('--data <folder>', 'the files of the control plane on this machine', '/var/lib/podway/control')
    .option('--kubeconfig <file>', 'how to reach another one')
    .option('--lab <name>', 'the lab of this name')

export const registerToken = (program: Command): void => {
  const token = program
    .command('token')
    .description('join tokens: by which machines become nodes')
    .addHelpText(
      'after',
      `
A token is kept as a Secret of type bootstrap.kubernetes.io/token in kube-system until it expires or is deleted.
Nodes that have joined with it stay.

Examples:
  podway token create
  podway token create --control-plane --ttl 1h
  podway token create --ttl 1h --description 'rack 3'
  podway token create -o token | ssh node1 sudo podway join https://192.0.2.10:6443 --token-file -
  podway token list
  podway token delete abc123`,
    )
  access(token.command('create'))
    .description('make a token, and print the command by which a machine joins with it')
    .option('--ttl <duration>', 'it is good for so long; 0: until it is deleted', durationOption, 86_400)
    .option('--description <text>', 'what it is for')
    .option('--control-plane', 'for one more control plane on the same etcd: with it go the keys of the cluster')
    .option('-o, --output <format>', '"token": the token alone; "json"')
    .action(async (options: TokenCreateOptions) => (await import('./token-run.ts')).createToken(options))
  access(token.command('list'))
    .description('list the tokens; their secrets are not shown')
    .option('-o, --output <format>', '"json"')
    .action(async (options: TokenListOptions) => (await import('./token-run.ts')).listTokens(options))
  access(token.command('delete'))
    .description('revoke a token: nobody joins with it any more')
    .argument('<id>', 'its first six characters, as "podway token list" shows them')
    .action(async (id: string, options: TokenAccess) => (await import('./token-run.ts')).deleteToken(id, options))
}
