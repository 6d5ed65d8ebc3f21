import { hostname } from 'node:os'
import { diagnose, type Finding, type Verdict } from '../agent/doctor/checks.ts'
import { readFacts } from '../agent/doctor/facts.ts'
import { readHostResolvConf } from '../agent/host-resolv-conf.ts'
import { isForbidden } from '../api/errors.ts'
import { failureText } from '../api/failure-text.ts'
import { leases } from '../api/resources.ts'
import { createCommandRunner, prefixed } from '../host/command.ts'
import { print, printMarked, terminalLine } from '../host/terminal.ts'
import { enterHost } from '../lab/enter.ts'
import { askLab } from '../lab/lifecycle.ts'
import { withCluster } from './cluster.ts'
import type { DoctorOptions } from './doctor.ts'
import { cidrsOption } from './families.ts'
import { runningLab } from './lab-common.ts'
import { checkOutput, printJson } from './output.ts'
import { createProgress } from './progress.ts'
import { namedRanges } from './ranges.ts'
import { podwayWords } from './self.ts'

const leaseRights = 'it needs the right to list leases.coordination.k8s.io in kube-node-lease'

/** By how much the newest heartbeat of another node is from the future, or older than heartbeats get. Text: why nobody can tell. */
const clockAhead = (kubeconfig: string): Promise<number | string | undefined> =>
  newestHeartbeat(kubeconfig).catch((error: unknown) =>
    isForbidden(error) ? `${failureText(error)}; ${leaseRights}` : failureText(error),
  )

const newestHeartbeat = (kubeconfig: string): Promise<number | undefined> =>
  withCluster({ kubeconfig }, async (client) => {
    const all = (await client.list(leases, { namespace: 'kube-node-lease' })).items
    const others = all
      .filter(({ metadata }) => metadata.name !== hostname())
      .flatMap(({ spec }) => (spec?.renewTime ? [Date.parse(spec.renewTime)] : []))
    if (others.length === 0) return undefined
    return (Math.max(...others) - Date.now()) / 1000
  })

/** A heartbeat comes every ten seconds: only what is older tells of a clock that is behind. */
const heartbeatSeconds = 15

const examine = async (options: DoctorOptions): Promise<readonly Finding[]> => {
  const ahead = options.kubeconfig === undefined ? undefined : await clockAhead(options.kubeconfig)
  const clusterCIDRs = cidrsOption(options.clusterCidr, '--cluster-cidr')
  const serviceCIDRs = cidrsOption(options.serviceCidr, '--service-cidr')
  const facts = await readFacts({
    runner: createCommandRunner(),
    ranges: namedRanges('--cluster-cidr', clusterCIDRs, serviceCIDRs),
    resolvers: (await readHostResolvConf()).nameservers,
    ...{ clusterDns: options.clusterDns, agentPort: options.agentPort, stateDir: options.state },
    clockAheadSeconds: typeof ahead === 'number' && ahead < 0 && ahead > -heartbeatSeconds ? 0 : ahead,
  })
  return diagnose(facts)
}

const marks: Readonly<Record<Verdict, readonly [mark: string, colour: number]>> = {
  ok: ['ok', 32],
  warn: ['warn', 33],
  fail: ['FAIL', 31],
  unknown: ['?', 90],
}

const markWidth = 5

const printFindings = (findings: readonly Finding[]): void => {
  const width = Math.max(...findings.map(({ check }) => check.length))
  for (const { check, verdict, message, cure } of findings) {
    const [mark, colour] = marks[verdict]
    printMarked({ colour, mark: mark.padEnd(markWidth), after: ` ${check.padEnd(width)}  ${terminalLine(message)}` })
    if (cure !== '') print(`${' '.repeat(markWidth + width + 3)}→ ${cure}`)
  }
}

const hasFailed = (findings: readonly Finding[]): boolean => findings.some(({ verdict }) => verdict === 'fail')

const examineLab = async (name: string): Promise<Readonly<Record<string, readonly Finding[]>>> => {
  const { paths, record } = await runningLab(name)
  const nodes = ((await askLab(paths))?.hosts ?? []).filter(({ role, state }) => role === 'node' && state === 'up')
  const found: Record<string, readonly Finding[]> = {}
  for (const node of nodes) {
    const runner = prefixed(createCommandRunner(), await enterHost(record, paths, node.name))
    // Exit code 1 tells of findings, which stand on standard output all the same.
    const text = await runner.run('sh', ['-c', '"$@" || true', 'sh', ...podwayWords(), 'doctor', '-o', 'json'])
    const findings: readonly Finding[] = JSON.parse(text)
    found[node.name] = findings
  }
  return found
}

export const doctor = async (options: DoctorOptions): Promise<void> => {
  const { output } = options
  checkOutput(output)
  if (options.lab === undefined) {
    const findings = await examine(options)
    if (output === 'json') printJson(findings)
    else printFindings(findings)
    if (hasFailed(findings)) process.exitCode = 1
    return
  }
  const name = options.lab === true ? 'lab' : options.lab
  const found = await createProgress().run('examining the nodes', () => examineLab(name))
  if (output === 'json') printJson(found)
  else
    for (const [node, findings] of Object.entries(found)) {
      print(`\n${node}`)
      printFindings(findings)
    }
  if (Object.values(found).some(hasFailed)) process.exitCode = 1
}
