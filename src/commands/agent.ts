import type { Command } from 'commander'
import { type NodeResourceOptions, nodeResourceOptions } from './node-resources.ts'
import { collect, countOption, portOption, secondsOption, shareOption } from './options.ts'

/** What one who runs an agent may choose, however it gets its kubeconfig. */
export interface NodeOptions extends NodeResourceOptions {
  readonly nodeName?: string
  readonly nodeIp?: string
  readonly state: string
  readonly data: string
  readonly cgroupParent: string
  readonly csiPlugins: string
  readonly runtime: string
  readonly podManifestPath?: string
  readonly criSocket?: string
  readonly cniConfDir: string
  readonly overlay: string
  readonly directRouting?: boolean
  readonly allowOverlap?: boolean
  readonly clusterCidr: string
  readonly serviceCidr: string
  readonly clusterDns: string
  readonly clusterDomain: string
  readonly loadBalancerCidr?: string
  readonly upstream?: readonly string[]
  readonly ingressAddress?: string
  readonly ingressPort: number
  readonly ingressHttpsPort: number
  readonly ingressThreads: number
  readonly ingressTrustedProxy?: readonly string[]
  readonly ingressProxyProtocol?: readonly string[]
  readonly ingressMaxConnections: number
  readonly ingressAccessLog?: string
  readonly ingressAccessLogSample: number
  readonly ingressMetricsAddress: string
  readonly tcpServicesConfigmap?: string
  readonly udpServicesConfigmap?: string
  readonly agentPort: number
  readonly proxyMode: string
  readonly proxyName?: string
  readonly localhostNodePorts: boolean
  readonly nodePortAddresses?: readonly string[]
  readonly masqueradeAll?: boolean
  readonly masqueradeBit: number
  readonly conntrackMaxPerCore: number
  readonly conntrackMin: number
  readonly conntrackTcpTimeoutEstablished: number
  readonly conntrackTcpTimeoutCloseWait: number
  readonly healthzAddress: string
  readonly metricsAddress: string
  readonly dnsConfig?: string
  readonly dnsMetricsAddress: string
  readonly dnsThreads: number
  readonly logForward?: readonly string[]
  readonly logForwardCa?: string
  readonly logForwardTokenFile?: string
}

export interface AgentCommandOptions extends NodeOptions {
  readonly kubeconfig: string
  readonly only?: string
}

export interface JoinCommandOptions extends NodeOptions {
  readonly tokenFile?: string
}

export const nodeOptions = (command: Command): Command =>
  nodeResourceOptions(command)
    .option('--node-name <name>', "this node's name (default: the host name)")
    .option(
      '--node-ip <address>',
      'its address among the nodes; two, with a comma, for both IP families (default: of the route that leads out)',
    )
    .option('--state <folder>', 'what need not outlive a reboot', '/run/podway')
    .option('--data <folder>', 'what must: leases, logs, the certificate', '/var/lib/podway/agent')
    .option('--cgroup-parent <name>', 'the control group of its pods', 'podway')
    .option(
      '--csi-plugins <folder>',
      'where CSI drivers that run on the node, or their registrars, have their sockets',
      '/var/lib/kubelet/plugins_registry',
    )
    .option(
      '--runtime <name>',
      "what runs pods: oci (containers of images, by runc or crun), cri (the same in containerd or CRI-O: see podway cni install) or process (the node's programs; images are not looked at). Those of podway/echo are processes, and a RuntimeClass may say otherwise",
      'oci',
    )
    .option(
      '--pod-manifest-path <folder>',
      'static pods: a file of YAML or JSON for each pod that runs here whatever the API says; followed while it runs',
    )
    .option(
      '--cri-socket <file>',
      'where the container runtime of --runtime cri listens (default: the first that is there of /run/containerd/containerd.sock, /run/crio/crio.sock, /run/k3s/containerd/containerd.sock, /run/cri-dockerd.sock)',
    )
    .option(
      '--cni-conf-dir <folder>',
      'where "podway cni install" has put its network: shown to runtimes once pods can be attached; "off" for nowhere',
      '/etc/cni/net.d',
    )
    .option(
      '--overlay <name>',
      'how pods of different nodes reach each other: vxlan, host-gw, wireguard or none',
      'vxlan',
    )
    .option('--direct-routing', 'with vxlan: no tunnel to nodes on the same network')
    .option('--cluster-cidr <cidr>', 'addresses of all pods; two for both families', '10.244.0.0/16')
    .option('--service-cidr <cidr>', 'addresses of Services; two for both families', '10.96.0.0/16')
    .option(
      '--load-balancer-cidr <cidr>',
      "the pool out of which Gateways have addresses of their own, as the control plane was told (default: the nodes' own)",
    )
    .option('--allow-overlap', 'start although a range overlaps a route of this machine')
    .option('--cluster-dns <address>', 'the address of the cluster DNS', '10.96.0.10')
    .option('--cluster-domain <name>', 'the zone of the cluster DNS', 'cluster.local')
    .option(
      '--upstream <address>',
      'a DNS server for all other names (default: those of resolv.conf); may be repeated',
      collect,
    )
    .option(
      '--ingress-address <address>',
      'where Ingress listens (default: everywhere, both families where there are two)',
    )
    .option('--ingress-port <port>', 'its HTTP port', portOption, 80)
    .option('--ingress-https-port <port>', 'its HTTPS port; 0 for none', portOption, 443)
    .option('--ingress-threads <count>', 'threads that serve it', countOption('threads', 1, 64), 1)
    .option(
      '--ingress-trusted-proxy <cidr>',
      'proxies in front whose X-Forwarded-* fields count; may be repeated',
      collect,
    )
    .option(
      '--ingress-proxy-protocol <cidr>',
      'proxies in front whose connections begin with a PROXY header; may be repeated',
      collect,
    )
    .option(
      '--ingress-max-connections <count>',
      'connections of clients at once, for each thread',
      countOption('connections', 1, 1e6),
      50_000,
    )
    .option('--ingress-access-log <file>', 'a line of JSON for each request; - for standard output')
    .option('--ingress-access-log-sample <share>', 'write this share of them, from 0 to 1', shareOption, 1)
    .option(
      '--ingress-metrics-address <address:port>',
      'Ingress\' metrics, health and status page; "off" for nowhere',
      '127.0.0.1:10254',
    )
    .option(
      '--tcp-services-configmap <namespace/name>',
      'ports of the node for TCP Services: "9000": "default/db:5432"',
    )
    .option('--udp-services-configmap <namespace/name>', 'the same for UDP')
    .option(
      '--agent-port <port>',
      'where the agent listens for the control plane, besides the connection that it dials; 0 for nowhere',
      portOption,
      10_250,
    )
    .option(
      '--proxy-mode <mode>',
      'who carries Services: iptables (the kernel) or userspace (a process); a Service may say otherwise',
      'iptables',
    )
    .option('--proxy-name <name>', 'serve the Services labelled for this proxy instead of those labelled for none')
    .option('--no-localhost-node-ports', 'no node ports at 127.0.0.1 and ::1')
    .option(
      '--node-port-addresses <cidr>',
      'node ports at the node\'s addresses in this range only, or "primary": at --node-ip; may be repeated',
      collect,
    )
    .option('--masquerade-all', 'masquerade all connections to cluster addresses')
    .option('--masquerade-bit <bit>', 'the bit of the packet mark that asks for it', countOption('a bit', 0, 31), 14)
    .option(
      '--conntrack-max-per-core <n>',
      'connections for each core; 0: as the machine has it',
      countOption('a number', 0, 1e9),
      32_768,
    )
    .option('--conntrack-min <n>', 'connections in all, at least', countOption('a number', 0, 1e9), 131_072)
    .option(
      '--conntrack-tcp-timeout-established <s>',
      'how long an idle connection is remembered; 0: as it is',
      secondsOption,
      86_400,
    )
    .option('--conntrack-tcp-timeout-close-wait <s>', 'the same for one that is half closed', secondsOption, 3_600)
    .option('--healthz-address <address:port>', 'where Service health is asked; "off" for nowhere', '0.0.0.0:10256')
    .option('--dns-config <file>', 'cache, upstreams, stub domains, hosts, rewrites (YAML); read again when it changes')
    .option('--dns-threads <count>', 'threads that answer DNS', countOption('threads', 1, 64), 1)
    .option(
      '--dns-metrics-address <address:port>',
      'metrics, health and readiness of DNS; "off" for nowhere',
      '127.0.0.1:9153',
    )
    .option(
      '--log-forward <target>',
      'send the logs of all containers there, as JSON lines (file:///PATH, https://HOST/PATH) or by syslog (syslog+udp://HOST:PORT, syslog+tcp:, syslog+tls:, syslog+unix:///PATH); may be repeated',
      collect,
    )
    .option('--log-forward-ca <file>', "the authority of its HTTPS and TLS targets (default: the system's)")
    .option('--log-forward-token-file <file>', 'a bearer token for its HTTPS targets; read again when it changes')
    .option('--metrics-address <address:port>', 'where metrics are read; "off" for nowhere', '127.0.0.1:10249')

export const registerAgent = (program: Command): void => {
  nodeOptions(program.command('agent'))
    .description('run the node daemon with a kubeconfig')
    .requiredOption('--kubeconfig <file>', 'how it reaches the control plane')
    .option('--only <parts>', "beside somebody else's kubelet: some of network,proxy,dns,ingress, and no pods")
    .addHelpText(
      'after',
      `
Examples:
  podway agent --kubeconfig node1.kubeconfig --node-name node1 --node-ip 192.0.2.11
  podway agent --kubeconfig F --log-forward https://logs.example/ingest --log-forward file:///var/log/pods.json
  podway agent --kubeconfig F --node-name $(hostname) --only proxy    in place of kube-proxy
  podway agent --kubeconfig F --node-name $(hostname) --only network,proxy    and of flannel: see podway cni install`,
    )
    .action(async (options: AgentCommandOptions) => (await import('./agent-run.ts')).agent(options))

  nodeOptions(program.command('join'))
    .description('make this machine a node of a cluster, and run its daemon')
    .argument('<url>', 'the control plane: https://host:port')
    .option('--token-file <file>', 'a file with the join token; - for standard input. Not needed again once joined')
    .addHelpText(
      'after',
      `
"podway token create" on the control plane prints the whole command. The node's certificate is kept in its --data
folder and renewed there; the token may expire or be deleted once the node has joined.

Examples:
  echo podway1.… | sudo podway join https://192.0.2.10:6443 --token-file -
  sudo podway join https://192.0.2.10:6443 --token-file /root/join-token --node-name node1`,
    )
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
