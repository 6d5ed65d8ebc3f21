import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { publishedLabel } from '../api/labels.ts'
import { configMaps, endpointSlices, objectKey, services } from '../api/resources.ts'
import { slicesByService } from '../api/slices.ts'
import { createAsker, isTypeName, type ReadRecord } from '../dns/client/ask.ts'
import { checkRecords } from '../dns/client/check.ts'
import { parseUpstream } from '../dns/config/parse.ts'
import { type Upstream, upstreamName } from '../dns/config/upstream.ts'
import { publishedBy } from '../dns/skydns/published.ts'
import { renderSkyRecord } from '../dns/skydns/record.ts'
import { skyView } from '../dns/skydns/view.ts'
import { types } from '../dns/wire/constants.ts'
import { recordsOf } from '../dns/zone/service-records.ts'
import { counted } from '../host/counted.ts'
import { writeFileAtomic } from '../host/files.ts'
import { print } from '../host/terminal.ts'
import { withCluster } from './cluster.ts'
import type { ClusterAccess } from './cluster-options.ts'
import type { DnsClusterOptions, DnsPlaceOptions, DnsServerOptions } from './dns.ts'
import { dnsInLab, labKubeconfig } from './dns-lab.ts'
import { checkOutput, printJson } from './output.ts'
import { createProgress } from './progress.ts'
import { UsageError } from './usage-error.ts'

const serverOf = ({ server }: DnsServerOptions): Upstream => {
  const found = parseUpstream(server)
  if (!found) throw new UsageError(`--server ${server}: expected an address, with a port if it is not 53`)
  return found
}

const progressEvery = 1_000

const line = ({ name, ttl, type, data }: ReadRecord): string => `${name}\t${ttl}\t${type}\t${data}`

export const query = async (
  name: string,
  typeText: string,
  options: DnsPlaceOptions & { readonly output?: string },
): Promise<void> => {
  checkOutput(options.output)
  const type = typeText.toUpperCase()
  if (!isTypeName(type))
    throw new UsageError(`${typeText} is no type: expected one of ${Object.keys(types).join(', ')}`)
  const server = serverOf(options)
  if (options.lab !== undefined) return dnsInLab(options.lab, options, ['query', name, type])
  const asker = createAsker(server)
  const answer = await asker
    .ask(name, types[type])
    .catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(
        `${upstreamName(server)} does not answer: ${why} (is this a node? else name a server with --server, or a lab with --lab)`,
      )
    })
    .finally(asker.close)
  if (answer.rcode !== 'NOERROR') process.exitCode = 1
  if (options.output === 'json') return printJson({ server: upstreamName(server), ...answer })
  print(`${answer.rcode}${answer.isAuthoritative ? ', authoritative' : ''}, from ${upstreamName(server)}`)
  for (const section of ['answers', 'authority', 'additional'] as const) {
    if (answer[section].length > 0) print(`\n${section}:`)
    for (const record of answer[section]) print(line(record))
  }
}

/** All that names are made of. */
const readCluster = (access: ClusterAccess) =>
  withCluster(access, async (client) => {
    const [serviceList, sliceList, published] = await Promise.all([
      client.list(services),
      client.list(endpointSlices),
      client.list(configMaps, { labelSelector: publishedLabel }),
    ])
    return { services: serviceList.items, slices: sliceList.items, published: published.items }
  })

export const get = async (path: string, options: DnsClusterOptions): Promise<void> => {
  if (!path.startsWith('/skydns')) throw new UsageError(`${path} is no path: expected /skydns/local/cluster/svc/…`)
  const found = await readCluster(options)
  const entries = found.published.flatMap((configMap) => publishedBy(configMap).entries)
  const view = skyView(found.services, found.slices, entries, options.clusterDomain)
  const exact = view.get(path)
  if (exact) return print(renderSkyRecord(exact))
  const below = [...view].filter(([each]) => each.startsWith(`${path.replace(/\/$/, '')}/`))
  if (below.length === 0) throw new Error(`there is no record at or below ${path}`)
  for (const [each, record] of below) print(`${each} ${renderSkyRecord(record)}`)
}

export const check = async (
  options: DnsClusterOptions & DnsPlaceOptions & { readonly output?: string },
): Promise<void> => {
  checkOutput(options.output)
  const { lab, clusterDomain } = options
  if (lab !== undefined) {
    const words = ['check', '--kubeconfig', '/dev/stdin', '--cluster-domain', clusterDomain]
    return dnsInLab(lab, options, words, await labKubeconfig(lab))
  }
  const found = await readCluster(options)
  const slices = slicesByService(found.slices)
  const records = found.services.flatMap((service) =>
    recordsOf(service, slices.get(objectKey(service)) ?? [], options.clusterDomain),
  )
  const server = serverOf(options)
  const asker = createAsker(server)
  const differences = await createProgress()
    .run(`asking ${upstreamName(server)} for ${counted(records.length, 'record')}`, (step) =>
      checkRecords(asker, records, (done, all) => {
        if (done % progressEvery === 0) step.update(`${done} of ${counted(all, 'question')}`)
      }),
    )
    .finally(asker.close)
  if (options.output === 'json') printJson({ records: records.length, differences })
  else {
    for (const { name, type, missing, unexpected, rcode } of differences) {
      print(`${name} ${type}${rcode ? ` (${rcode})` : ''}`)
      for (const data of missing) print(`  - ${data}`)
      for (const data of unexpected) print(`  + ${data}`)
    }
    print(
      differences.length === 0
        ? `${counted(records.length, 'record')} of ${counted(found.services.length, 'Service')}: all as they should be`
        : `wrong answers for ${counted(differences.length, 'name')} (- missing, + not expected)`,
    )
  }
  if (differences.length > 0) process.exitCode = 1
}

const dropIn = '/etc/systemd/resolved.conf.d/podway.conf'

export const hostSetup = async (
  options: DnsServerOptions & { readonly clusterDomain: string; readonly print?: boolean; readonly undo?: boolean },
): Promise<void> => {
  const { address } = serverOf(options)
  const { clusterDomain } = options
  const restart = 'then: systemctl restart systemd-resolved'
  if (options.undo) {
    await rm(dropIn, { force: true })
    return print(`${dropIn} is gone; ${restart}`)
  }
  const text = `# Names of the cluster, and nothing else, are asked of Podway.\n[Resolve]\nDNS=${address}\nDomains=~${clusterDomain}\n`
  const hasResolved = existsSync('/run/systemd/resolve')
  if (options.print || !hasResolved) {
    if (!hasResolved)
      print(
        `no systemd-resolved here. With dnsmasq: server=/${clusterDomain}/${address}\nwith unbound: forward-zone: name "${clusterDomain}" forward-addr ${address}\nwith neither, first in /etc/resolv.conf: nameserver ${address}\n`,
      )
    if (options.print) print(`${dropIn}:\n${text}`)
    return
  }
  await mkdir(dirname(dropIn), { recursive: true })
  await writeFileAtomic(dropIn, text, 0o644)
  print(`${dropIn} is written; ${restart}`)
}
