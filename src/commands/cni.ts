import type { Command } from 'commander'

export interface CniFolders {
  readonly binDir: string
  readonly confDir: string
}

export interface CniInstallOptions extends CniFolders {
  readonly state: string
  readonly name: string
}

const folders = (command: Command): Command =>
  command
    .option('--bin-dir <folder>', 'where runtimes look for plugins', '/opt/cni/bin')
    .option('--conf-dir <folder>', 'where they look for networks', '/etc/cni/net.d')

export const registerCni = (program: Command): void => {
  const cni = program
    .command('cni')
    .description('the pod network for containerd, CRI-O, Podman or a kubelet (Container Network Interface 1.1)')
    .option('--state <folder>', "the agent's folder, with its socket", '/run/podway')
    .addHelpText(
      'after',
      `
Without a subcommand it is the plugin itself: environment and standard input are as the specification has them. The
launcher that "install" writes does the same, without starting Node.

Example:
  podway cni install && CNI_PATH=/opt/cni/bin cnitool add podway /run/netns/test`,
    )
    .action(async ({ state }: { readonly state: string }) => (await import('./cni-run.ts')).plugin(state))

  folders(cni.command('install'))
    .description('write the launcher and a network that uses it')
    // Without a default: what was said to "cni" itself counts, too.
    .option('--state <folder>', "the agent's folder, with its socket (default: /run/podway)")
    .option('--name <name>', 'of the network', 'podway')
    .action(async (own: Partial<CniInstallOptions>, command: Command) =>
      (await import('./cni-run.ts')).install({ ...command.optsWithGlobals<CniInstallOptions>(), ...own }),
    )

  folders(cni.command('uninstall'))
    .description('take them away again')
    .action(async (options: CniFolders) => (await import('./cni-run.ts')).uninstall(options))
}
