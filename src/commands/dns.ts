import type { Command } from 'commander'
import { type ClusterAccess, clusterOptions } from './cluster-options.ts'

export interface DnsServerOptions {
  readonly server: string
}

/** Where the question is asked: here, or on a node of a lab. */
export interface DnsPlaceOptions extends DnsServerOptions {
  readonly lab?: string
  readonly node: string
}

export interface DnsClusterOptions extends ClusterAccess {
  readonly clusterDomain: string
}

const server = (command: Command): Command =>
  command.option('--server <address>', 'the DNS server, with :port if it is not 53', '10.96.0.10')

const node = (command: Command): Command =>
  command.option('--node <name>', 'with --lab: the node of the lab on which to ask', 'node1')

const cluster = (command: Command): Command =>
  clusterOptions(command).option('--cluster-domain <name>', 'the zone of the cluster DNS', 'cluster.local')

export const registerDns = (program: Command): void => {
  const dns = program.command('dns').description("look at the cluster's DNS")

  node(server(dns.command('query')))
    .description('ask for a name and print all that is answered')
    .argument('<name>')
    .argument('[type]', 'A, AAAA, SRV, PTR, TXT, …', 'A')
    .option('--lab <name>', 'ask on a node of the lab of this name')
    .option('-o, --output <format>', 'json')
    .addHelpText(
      'after',
      '\nExamples, on a node and beside a lab:\n  podway dns query _http._tcp.web.default.svc.cluster.local SRV\n  podway dns query web.default.svc.cluster.local --lab lab',
    )
    .action(async (name, type, options) => (await import('./dns-run.ts')).query(name, type, options))

  cluster(dns.command('get'))
    .description('print the SkyDNS record under a path: a Service, or one that a user has published')
    .argument('<path>', '/skydns/local/cluster/svc/NAMESPACE/SERVICE')
    .addHelpText('after', '\nExample:\n  podway dns get /skydns/local/cluster/svc/default/web')
    .action(async (path, options) => (await import('./dns-run.ts')).get(path, options))

  node(cluster(server(dns.command('check'))))
    .description(
      'ask the server for every record that the specification demands of every Service, and tell what differs',
    )
    .option('-o, --output <format>', 'json')
    .addHelpText(
      'after',
      '\nExamples, on a node and beside a lab:\n  podway dns check --kubeconfig admin.kubeconfig\n  podway dns check --lab lab',
    )
    .action(async (options) => (await import('./dns-run.ts')).check(options))

  server(dns.command('host-setup'))
    .description("let this machine's own programs find names of the cluster")
    .option('--cluster-domain <name>', 'the zone of the cluster DNS', 'cluster.local')
    .option('--print', 'only print what would be written')
    .option('--undo', 'take it away again')
    .addHelpText('after', '\nExample:\n  sudo podway dns host-setup')
    .action(async (options) => (await import('./dns-run.ts')).hostSetup(options))
}
