import type { Command } from 'commander'

export interface DoctorOptions {
  readonly lab?: string | true
  readonly kubeconfig?: string
  readonly clusterCidr: string
  readonly serviceCidr: string
  readonly clusterDns: string
  readonly agentPort: number
  readonly state: string
  readonly output?: string
}

export const registerDoctor = (program: Command): void => {
  program
    .command('doctor')
    .description('look for what pod networks trip over on this node (or all nodes of a lab), and say what helps')
    .option('--lab [name]', 'on each node of this lab (default: "lab")')
    .option('--kubeconfig <file>', 'to compare clocks with other nodes')
    .option('--cluster-cidr <cidr>', 'addresses of all pods', '10.244.0.0/16')
    .option('--service-cidr <cidr>', 'addresses of Services', '10.96.0.0/16')
    .option('--cluster-dns <address>', 'the address of the cluster DNS', '10.96.0.10')
    .option('--agent-port <port>', 'where agents answer', Number, 10_250)
    .option('--state <folder>', "the agent's state folder", '/run/podway')
    .option('-o, --output <format>', 'json')
    .addHelpText(
      'after',
      '\nExamples:\n  sudo podway doctor\n  podway doctor --lab\n\nExit code 1 when something fails.',
    )
    .action(async (options: DoctorOptions) => (await import('./doctor-run.ts')).doctor(options))
}
