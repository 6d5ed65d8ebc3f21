import type { Command } from 'commander'
import { collect, countOption, portOption, secondsOption } from './options.ts'

interface Named {
  readonly name: string
}

const named = (command: Command): Command => command.option('--name <name>', 'which lab', 'lab')

export const registerLab = (program: Command): void => {
  const lab = program
    .command('lab')
    .enablePositionalOptions()
    .description('many nodes on one machine, each in namespaces of its own')
    .addHelpText(
      'after',
      `
Examples:
  podway lab up --nodes 5 --publish 8080:80
  podway lab exec node1 -- iptables-save -t nat
  podway lab exec client -- curl http://172.30.0.11:30080/
  podway lab kill node2            a power cut; "podway lab revive node2" ends it
  podway lab down`,
    )

  named(lab.command('up'))
    .description('start a lab and wait until its nodes are Ready')
    .option('--nodes <count>', 'how many nodes', countOption('nodes', 1, 60), 3)
    .option('--runtime <name>', 'what runs pods with an image: oci or process (see podway agent --help)', 'oci')
    .option(
      '--publish <HOSTPORT:PORT>',
      "reach a node's port on 127.0.0.1 (8080:80, 8080:node2:80); may be repeated",
      collect,
    )
    .option('--dual-stack', 'addresses of both IP families for nodes, pods and Services')
    .option(
      '--load-balancer-cidr <cidr>',
      "addresses of LoadBalancer Services and Gateways, routed to the nodes (default: the nodes' own)",
    )
    .option('--node-grace <seconds>', 'a node silent for so long is not Ready', secondsOption, 10)
    .option('--pod-eviction <seconds>', 'pods of a node silent for so long are replaced', secondsOption, 60)
    .option(
      '--eviction-hard <signal<amount,…>>',
      'when nodes are short of something, and evict pods (see podway agent --help); by default never, since they share one machine',
      '',
    )
    .option('--timeout <seconds>', 'how long to wait', secondsOption, 60)
    .action(async (options) => (await import('./lab-up.ts')).labUp(options))

  named(lab.command('down'))
    .description('end a lab and everything in it')
    .action(async ({ name }: Named) => (await import('./lab-down.ts')).labDown(name))

  named(lab.command('status'))
    .description('what runs in a lab')
    .option('-o, --output <format>', 'json')
    .action(async (options) => (await import('./lab-status.ts')).labStatus(options))

  named(lab.command('exec'))
    .description('run a command on a host of a lab: a node, control, or client')
    .argument('<host>')
    .argument('<command...>', 'after --')
    .option('--pod <name>', "inside this pod's namespaces (NAME or NAMESPACE/NAME), which runs on that node")
    .action(async (host: string, command: string[], options) =>
      (await import('./lab-exec.ts')).labExec(host, command, options),
    )

  named(lab.command('kill'))
    .description('end a host at once, as a power cut would; nothing restarts it')
    .argument('<host>')
    .option('--agent', 'only its daemon (kill -9); its pods and its network go on')
    .action(async (host: string, options) => (await import('./lab-order.ts')).labKill(host, options))

  named(lab.command('revive'))
    .description('bring back what "lab kill" ended')
    .argument('<host>')
    .action(async (host: string, { name }: Named) => (await import('./lab-order.ts')).labRevive(host, name))

  named(lab.command('demo'))
    .description('start a lab, deploy examples/demo.yaml and prove with real requests that every path works')
    .action(async ({ name }: Named) => (await import('./lab-demo.ts')).labDemo(name))

  // What a lab runs of itself.
  lab
    .command('keep', { hidden: true })
    .requiredOption('--plan <file>')
    .action(async ({ plan }: { readonly plan: string }) => (await import('./lab-inside.ts')).keep(plan))
  lab
    .command('universe', { hidden: true })
    .requiredOption('--plan <file>')
    .requiredOption('--api-port <port>', 'where 127.0.0.1 of the machine leads to the API', portOption)
    .action(async (options) => (await import('./lab-inside.ts')).universe(options))
}
