/** The files of a pod that stand in for the host's: /etc/resolv.conf and /etc/hosts. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod } from '../../api/types/index.ts'
import type { Mount } from '../runtime/mounts.ts'

const local = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
]

const hostnameLimit = 63
const fqdnLimit = 64

/** The pod's short host name: its own, or its name cut to what a label may hold. */
const shortName = (pod: Pod): string =>
  pod.spec.hostname || pod.metadata.name.slice(0, hostnameLimit).replace(/[-.]+$/, '')

/** The full name of a pod with a subdomain; undefined for one without. */
const fullName = (pod: Pod, clusterDomain: string): string | undefined =>
  pod.spec.subdomain
    ? `${shortName(pod)}.${pod.spec.subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}`
    : undefined

/** What `hostname` says in the pod. Throws when the kernel could not hold it. */
export const podHostname = (pod: Pod, clusterDomain: string): string => {
  const full = pod.spec.setHostnameAsFQDN ? fullName(pod, clusterDomain) : undefined
  if (full !== undefined && full.length > fqdnLimit)
    throw new Error(`the FQDN ${full} is longer than the ${fqdnLimit} characters a host name may have`)
  return full ?? shortName(pod)
}

/** /etc/hosts as the kubelet writes it. A pod on the host network has the host's own, and its aliases. */
export const hostsFile = (
  pod: Pod,
  addresses: readonly string[],
  clusterDomain: string,
  hostsOfHost: string,
): string => {
  const full = fullName(pod, clusterDomain)
  const names = full === undefined ? shortName(pod) : `${full}\t${shortName(pod)}`
  const head = pod.spec.hostNetwork
    ? ['# Kubernetes-managed hosts file (host network).', hostsOfHost.trimEnd()]
    : ['# Kubernetes-managed hosts file.', ...local, ...addresses.map((address) => `${address}\t${names}`)]
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => [ip, ...hostnames].join('\t'))
  const tail = aliases.length === 0 ? [] : ['', '# Entries added by HostAliases.', ...aliases]
  return `${[...head, ...tail].join('\n')}\n`
}

export type PodFiles = ReturnType<typeof createPodFiles>

/** Keeps the files of all pods under `folder`. */
export const createPodFiles = (folder: string, clusterDomain: string) => {
  const dirOf = (pod: Pod): string => join(folder, pod.metadata.uid ?? '')
  return {
    /** Everything of a pod is below it. */
    folderOf: (uid: string): string => join(folder, uid),

    hostname: (pod: Pod): string => podHostname(pod, clusterDomain),

    /** Makes the files, and tells where they are to be seen. Without a `resolvConf` the pod sees the host's. */
    make: async (pod: Pod, resolvConf: string | undefined): Promise<readonly Mount[]> => {
      await mkdir(dirOf(pod), { recursive: true, mode: 0o755 })
      const hosts = join(dirOf(pod), 'hosts')
      await writeFile(hosts, '')
      const place = { kind: 'file', readOnly: false } as const
      const mounts = [{ source: hosts, target: '/etc/hosts', ...place }]
      if (resolvConf === undefined) return mounts
      const source = join(dirOf(pod), 'resolv.conf')
      await writeFile(source, resolvConf)
      return [...mounts, { source, target: '/etc/resolv.conf', ...place }]
    },

    /** Once the addresses are known. Written in place, since a mount follows the file and not its name. */
    fillHosts: async (pod: Pod, addresses: readonly string[]): Promise<void> => {
      const hostsOfHost = pod.spec.hostNetwork ? await readFile('/etc/hosts', 'utf8') : ''
      await writeFile(join(dirOf(pod), 'hosts'), hostsFile(pod, addresses, clusterDomain, hostsOfHost))
    },

    remove: (uid: string): Promise<void> => rm(join(folder, uid), { recursive: true, force: true }),
  }
}
