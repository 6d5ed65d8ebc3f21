/** Whether a lab does what it is for, and what it still waits for: judged by its API, as its users reach it. */
import { certificateHash } from '../api/certificates.ts'
import { createClient } from '../api/client.ts'
import { createHttpTransport } from '../api/http-transport.ts'
import { readKubeconfig } from '../api/kubeconfig.ts'
import { nodes as nodeResource } from '../api/resources.ts'
import type { Node } from '../api/types/index.ts'
import type { LabPaths } from './plan.ts'
import type { Report } from './rpc.ts'
import type { HostState } from './state.ts'

/** What the API said, or why it said nothing. */
export type ApiAnswer =
  | { readonly nodes: readonly Node[] }
  | { readonly silent: string; readonly isOtherAuthority: boolean }

const patienceMs = 3_000

/** OpenSSL's words for a certificate that the authority at hand has not signed. */
const otherAuthority = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
])

/** Asks for the nodes with the lab's own kubeconfig. */
export const askApi = async (kubeconfig: string): Promise<ApiAnswer> => {
  try {
    const transport = createHttpTransport(await readKubeconfig(kubeconfig))
    try {
      const { items } = await createClient(transport).list(nodeResource, {}, AbortSignal.timeout(patienceMs))
      return { nodes: items }
    } finally {
      await transport.close()
    }
  } catch (error) {
    const { code, message = String(error) } = error as Partial<NodeJS.ErrnoException>
    if (typeof code !== 'string') return { silent: message, isOtherAuthority: false }
    return { silent: `${message} (${code})`, isOtherAuthority: otherAuthority.has(code) }
  }
}

const problemOfHost = ({ name, state, daemon }: HostState, lab: string): readonly string[] => {
  const revive = `podway lab revive ${name} --name ${lab}`
  if (state === 'killed') return [`${name} was killed; bring it back with: ${revive}`]
  if (daemon?.state === 'killed')
    return [`the ${daemon.name} daemon of ${name} was killed; bring it back with: ${revive}`]
  if (daemon?.lastEnd === undefined) return []
  return [`the ${daemon.name} daemon of ${name} has ended (${daemon.lastEnd}) and is started again; see its log`]
}

const problemOfNode = ({ name }: HostState, found: Node | undefined): readonly string[] => {
  if (!found) return [`${name} has not joined the cluster yet`]
  const ready = found.status?.conditions?.find(({ type }) => type === 'Ready')
  if (ready?.status === 'True') return []
  return [`node ${name} is not Ready: ${ready?.message ?? 'it has not said anything yet'}`]
}

const problemOfAuthority = (
  { name, authority }: HostState,
  cluster: string | undefined,
  lab: string,
): readonly string[] =>
  authority === undefined || cluster === undefined || authority === cluster
    ? []
    : [
        `${name} trusts another authority than the control plane has: remove /var/lib/podway/${name}.kubeconfig there, then podway lab kill ${name} --agent --name ${lab}, and revive it`,
      ]

/** What keeps the lab from being whole; empty: nothing does. Pure. `trusted` is the authority of the user's kubeconfig. */
export const labProblems = (
  lab: string,
  report: Report | undefined,
  api: ApiAnswer,
  trusted: string | undefined,
): readonly string[] => {
  if (!report) return ['the lab does not answer: it is still starting, or about to end']
  const members = report.hosts.filter(({ role }) => role !== 'client')
  const nodes = members.filter(({ role }) => role === 'node')
  const cluster = members.find(({ role }) => role === 'control')?.authority
  const isUp = ({ state, daemon }: HostState): boolean => state === 'up' && daemon?.state !== 'killed'
  const isForeign = 'silent' in api ? api.isOtherAuthority : trusted !== cluster && cluster !== undefined
  return [
    ...(report.problem === undefined ? [] : [report.problem]),
    ...report.hosts.flatMap((host) => problemOfHost(host, lab)),
    ...('silent' in api ? [`the API does not answer: ${api.silent}`] : []),
    ...(isForeign ? ['the control plane has another authority than the kubeconfig of this lab trusts'] : []),
    ...nodes.flatMap((host) => problemOfAuthority(host, cluster, lab)),
    ...('nodes' in api
      ? nodes.filter(isUp).flatMap((host) =>
          problemOfNode(
            host,
            api.nodes.find(({ metadata }) => metadata.name === host.name),
          ),
        )
      : []),
  ]
}

/** The authority that the lab's kubeconfig trusts; undefined while there is no such file. */
const trustedAuthority = async (kubeconfig: string): Promise<string | undefined> => {
  try {
    const { ca } = await readKubeconfig(kubeconfig)
    return ca === undefined ? undefined : certificateHash(ca)
  } catch {
    // What is wrong with the file is told by whoever asks the API with it.
    return undefined
  }
}

/** Looks at a lab from outside. */
export const checkLab = async (lab: string, report: Report | undefined, paths: LabPaths): Promise<readonly string[]> =>
  labProblems(lab, report, await askApi(paths.kubeconfig), await trustedAuthority(paths.kubeconfig))
