import type { Command } from 'commander'
import { controllerNames } from '../control/controllers/names.ts'
import { type AccessOptions, accessOptions } from './access-options.ts'
import { type AutoscalerOptions, autoscalerOptions } from './autoscaler-options.ts'
import { type EtcdOptions, etcdOptions } from './etcd.ts'
import { collect, countOption, durationOption, portOption, secondsOption } from './options.ts'

/** What one who runs a control plane may choose; `podway up` and `podway control` share it. */
export interface ClusterOptions extends AccessOptions, AutoscalerOptions {
  readonly serviceCidr: string
  readonly podCidr: string
  readonly nodePrefix: number
  readonly nodePrefix6: number
  readonly nodePorts: string
  readonly clusterDns: string
  readonly clusterDomain: string
  readonly nodeGrace: number
  readonly podEviction: number
  readonly loadBalancerCidr?: string
  readonly clusterSigningDuration: number
  readonly tcpServicesConfigmap?: string
  readonly udpServicesConfigmap?: string
  readonly encryptionProviderConfig?: string
  readonly enableAdmissionPlugins: string
  readonly disableAdmissionPlugins: string
  readonly controllers: string
  readonly scheduler: boolean
  readonly schedulerConfig?: string
  readonly schedulerPlugin?: readonly string[]
}

export interface ControlCommandOptions extends ClusterOptions, EtcdOptions {
  readonly data: string
  readonly bind: string
  readonly port: number
  readonly name?: readonly string[]
  readonly localNode?: string
  readonly tokenFile?: string
}

const ownOptions = (command: Command): Command =>
  command
    .optionsGroup('The cluster:')
    .option('--service-cidr <cidr>', 'addresses of Services; two, with a comma, for both IP families', '10.96.0.0/16')
    .option('--pod-cidr <cidr>', 'addresses of pods; two for both families', '10.244.0.0/16')
    .option(
      '--node-prefix <length>',
      "prefix length of a node's part of them",
      countOption('a prefix length', 8, 124),
      24,
    )
    .option('--node-prefix-6 <length>', 'the same for IPv6', countOption('a prefix length', 8, 124), 64)
    .option('--node-ports <from-to>', 'ports of NodePort Services', '30000-32767')
    .option('--load-balancer-cidr <cidr>', "addresses of LoadBalancer Services and Gateways (default: the nodes' own)")
    .option('--cluster-dns <address>', 'the address of the cluster DNS', '10.96.0.10')
    .option('--cluster-domain <name>', 'the zone of the cluster DNS', 'cluster.local')
    .option(
      '--cluster-signing-duration <duration>',
      'certificates of nodes and others are good for no longer',
      durationOption,
      30 * 86_400,
    )
    .option('--node-grace <seconds>', 'a node silent for so long is not Ready', secondsOption, 10)
    .option('--pod-eviction <seconds>', 'pods of a node silent for so long are replaced', secondsOption, 60)
    .option(
      '--encryption-provider-config <file>',
      'encrypt objects in the store: an EncryptionConfiguration, as for kube-apiserver',
    )
    .option('--enable-admission-plugins <names>', 'admission plugins that run, with commas (all do by default)', '')
    .option('--disable-admission-plugins <names>', 'admission plugins that do not run', '')
    .option(
      '--controllers <names>',
      `controllers that run, with commas, as for kube-controller-manager: "*" all, "foo" that one, "-foo" not that one; there are ${controllerNames.join(', ')}`,
      '*',
    )
    .option('--no-scheduler', 'leave the pods to a scheduler of your own')
    .option(
      '--scheduler-config <file>',
      'profiles, plug-ins and HTTP extenders of the scheduler: a KubeSchedulerConfiguration, as for kube-scheduler',
    )
    .option(
      '--scheduler-plugin <file>',
      "a module whose default export is a scheduler plug-in; runs in the control plane's process; may be repeated",
      collect,
    )

export const clusterOptions = (command: Command): Command => accessOptions(autoscalerOptions(ownOptions(command)))

export const registerControl = (program: Command): void => {
  const command = program
    .command('control')
    .description('run a control plane: the Kubernetes API, its store, controllers and scheduler')
    .optionsGroup('This server:')
    .requiredOption('--bind <address>', 'listen on this address; nodes reach it there')
    .option('--port <port>', 'the port of the API', portOption, 6443)
    .option('--data <folder>', 'its durable files', '/var/lib/podway/control')
    .option('--local-node <name>', "the node that runs on this machine, too, and may have the API's own address")
    .option('--tcp-services-configmap <namespace/name>', 'a ConfigMap that agents are started with: they may read it')
    .option('--udp-services-configmap <namespace/name>', 'the same for UDP')
    .option('--name <name>', 'a further name or address in its certificate; may be repeated', collect)
    .option(
      '--token-file <file>',
      'with --etcd-servers: join its cluster with the token in this file; "-": standard input',
    )
  etcdOptions(clusterOptions(command))
    .addHelpText(
      'after',
      `
Examples:
  podway control --bind 192.0.2.10
  podway control --bind 192.0.2.10 --etcd-servers https://192.0.2.21:2379,https://192.0.2.22:2379 \\
    --etcd-cafile ca.crt --etcd-certfile podway.crt --etcd-keyfile podway.key
  podway control --bind 192.0.2.10 --controllers '*,-deployment,-replicaset' --no-scheduler
  podway token create --control-plane     prints how one more control plane joins (with etcd)
  podway token create     on the control plane: prints the command by which a node joins`,
    )
    .action(async (options: ControlCommandOptions) => (await import('./control-run.ts')).control(options))
}
