import type { Command } from 'commander'
import { collect, portOption } from './options.ts'

/** What one who runs an agent may choose, however it gets its kubeconfig. */
export interface NodeOptions {
  readonly nodeName?: string
  readonly nodeIp?: string
  readonly state: string
  readonly data: string
  readonly cgroupParent: string
  readonly overlay: string
  readonly clusterCidr: string
  readonly serviceCidr: string
  readonly clusterDns: string
  readonly clusterDomain: string
  readonly upstream?: readonly string[]
  readonly ingressPort: number
  readonly agentPort: number
}

export interface AgentCommandOptions extends NodeOptions {
  readonly kubeconfig: string
}

export interface JoinCommandOptions extends NodeOptions {
  readonly token: string
}

export const nodeOptions = (command: Command): Command =>
  command
    .option('--node-name <name>', "this node's name (default: the host name)")
    .option('--node-ip <address>', 'its address among the nodes (default: of the route that leads out)')
    .option('--state <folder>', 'what need not outlive a reboot', '/run/podway')
    .option('--data <folder>', 'what must: leases, logs, the certificate', '/var/lib/podway/agent')
    .option('--cgroup-parent <name>', 'the control group of its pods', 'podway')
    .option('--overlay <name>', 'how pods of different nodes reach each other: vxlan, host-gw or none', 'vxlan')
    .option('--cluster-cidr <cidr>', 'addresses of all pods', '10.244.0.0/16')
    .option('--service-cidr <cidr>', 'addresses of Services', '10.96.0.0/16')
    .option('--cluster-dns <address>', 'the address of the cluster DNS', '10.96.0.10')
    .option('--cluster-domain <name>', 'the zone of the cluster DNS', 'cluster.local')
    .option(
      '--upstream <address>',
      'a DNS server for all other names (default: those of resolv.conf); may be repeated',
      collect,
    )
    .option('--ingress-port <port>', 'where Ingress is served', portOption, 80)
    .option('--agent-port <port>', 'where the control plane reaches the agent', portOption, 10_250)

export const registerAgent = (program: Command): void => {
  nodeOptions(program.command('agent'))
    .description('run the node daemon with a kubeconfig')
    .requiredOption('--kubeconfig <file>', 'how it reaches the control plane')
    .addHelpText(
      'after',
      '\nExample:\n  podway agent --kubeconfig node1.kubeconfig --node-name node1 --node-ip 192.0.2.11',
    )
    .action(async (options: AgentCommandOptions) => (await import('./agent-run.ts')).agent(options))

  nodeOptions(program.command('join'))
    .description('make this machine a node of a cluster, and run its daemon')
    .argument('<url>', 'the control plane: https://host:port')
    .requiredOption('--token <token>', 'as "podway token" prints it on the control plane')
    .addHelpText('after', '\nExample:\n  podway join https://192.0.2.10:6443 --token podway1.…')
    .action(async (url: string, options: JoinCommandOptions) => (await import('./agent-run.ts')).join(url, options))

  program
    .command('enter-pod', { hidden: true })
    .argument('<pod>', 'NAME or NAMESPACE/NAME')
    .argument('<command...>')
    .option('--state <folder>', '', '/run/podway')
    .action(async (pod: string, command: string[], { state }: { readonly state: string }) =>
      (await import('./enter-pod.ts')).enterPod(pod, command, state),
    )
}
