/** The main job: a lab, the demo on it, and the proof that each path carries real requests. */

import { join } from 'node:path'
import { createClient } from '../api/client.ts'
import { sleep } from '../api/clock.ts'
import { errorText } from '../api/errors.ts'
import { createHttpTransport } from '../api/http-transport.ts'
import { readKubeconfig } from '../api/kubeconfig.ts'
import { deployments, ingresses, nodes, pods, services } from '../api/resources.ts'
import { CommandError, type CommandRunner, createCommandRunner } from '../host/command.ts'
import { counted } from '../host/counted.ts'
import { print } from '../host/terminal.ts'
import { enterHost } from '../lab/enter.ts'
import type { LabPaths } from '../lab/plan.ts'
import type { LabRecord } from '../lab/state.ts'
import { buildDemoImage } from './demo-image.ts'
import { interruptible } from './interruption.ts'
import { pathsOf } from './lab-common.ts'
import { bringUp } from './lab-up.ts'
import { createProgress, type Progress, type Step } from './progress.ts'
import { packageRoot, pathWithPodway, podwayWords } from './self.ts'
import { renderTable } from './table.ts'

const readyTimeoutMs = 60_000
const pathTimeoutMs = 15_000
const pollMs = 100
const requestsPerPod = 2
const nodePort = 30_080
const host = 'web.lab'

/** One way to the demo, and where to look when it does not work. */
interface Path {
  readonly from: string
  readonly what: string
  readonly url: string
  /** The words that lead to where the request is made. */
  readonly prefix: readonly [string, ...string[]]
  readonly headers?: readonly string[]
  /** So many answer. */
  readonly pods: number
  readonly look: string
}

interface Seen {
  readonly pods: readonly string[]
  readonly client: string
}

/** What the echo servers said, each request on a connection of its own. */
const readAnswers = (text: string): Seen => {
  const answers = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { pod: string; node: string; client: string })
  return {
    pods: [...new Set(answers.map(({ pod, node }) => `${pod} (${node})`))].sort(),
    client: [...new Set(answers.map(({ client }) => client))].join(', '),
  }
}

const tryPath = async (runner: CommandRunner, path: Path, count: number): Promise<Seen> => {
  const [file, ...args] = path.prefix
  const headers = (path.headers ?? []).flatMap((header) => ['--header', header])
  const words = [...podwayWords(), 'fetch', path.url, '--count', String(count), '--timeout', '2', ...headers]
  return readAnswers(await runner.run(file, [...args, ...words]))
}

/** Rules reach the nodes a moment after the pods are ready: it may take a few tries until every pod has its turn. */
const prove = async (runner: CommandRunner, path: Path): Promise<Seen> => {
  const { pods: podCount } = path
  let problem = ''
  for (const deadline = Date.now() + pathTimeoutMs; Date.now() < deadline; await sleep(pollMs)) {
    try {
      const seen = await tryPath(runner, path, requestsPerPod * podCount)
      if (seen.pods.length === podCount) return seen
      problem = `only ${seen.pods.length} of ${counted(podCount, 'pod')} answered`
    } catch (error) {
      problem = error instanceof CommandError ? error.stderr.trim() : String(error)
    }
  }
  throw new Error(`${path.what} from ${path.from} does not work: ${problem}\nlook at: ${path.look}`)
}

type Client = ReturnType<typeof createClient>

const applyExample = async (runner: CommandRunner, { kubeconfig }: LabRecord, name: string): Promise<void> => {
  await runner.run('kubectl', ['--kubeconfig', kubeconfig, 'apply', '-f', join(packageRoot, 'examples', name)])
}

/** Resolves to how many there are. `look` throws when there is no use in waiting. */
const waitForPods = async (
  client: Client,
  step: Step,
  record: LabRecord,
  name: string,
  timeoutMs = readyTimeoutMs,
  look: () => Promise<void> = async () => undefined,
): Promise<number> => {
  for (const deadline = Date.now() + timeoutMs; ; await sleep(pollMs)) {
    const { spec, status, metadata } = await client.get(deployments, name, 'default')
    const wanted = spec.replicas ?? 1
    const ready = status?.availableReplicas ?? 0
    step.update(`${ready} of ${counted(wanted, 'pod')} ready`)
    const isCurrent = status?.observedGeneration === metadata.generation && status?.updatedReplicas === wanted
    if (isCurrent && ready === wanted && status?.replicas === wanted) return wanted
    await look()
    if (Date.now() > deadline)
      throw new Error(
        `only ${ready} of ${counted(wanted, 'pod')} became ready; look at: kubectl --kubeconfig ${record.kubeconfig} describe pods -l app=${name}`,
      )
  }
}

/** Every path of the demo, with real addresses; `podCount` pods answer at the end of each. */
const pathsToProve = async (
  client: Client,
  record: LabRecord,
  paths: LabPaths,
  podCount: number,
): Promise<readonly Path[]> => {
  const [pod] = (await client.list(pods, { namespace: 'default', labelSelector: 'app=web' })).items
  if (!pod?.spec.nodeName) throw new Error('the demo has no pods')
  const { spec } = await client.get(services, 'web', 'default')
  await client.get(ingresses, 'web', 'default')
  const outside = await enterHost(record, paths, 'client')
  const inside = await enterHost(record, paths, pod.spec.nodeName)
  const fromPod = [...inside, ...podwayWords(), 'enter-pod', pod.metadata.name, '--'] as const
  const podName = `pod ${pod.metadata.name}`
  const rules = (node: string) => `podway lab exec ${node} --name ${record.name} -- iptables-save -t nat`
  const nodePaths = (await client.list(nodes)).items.flatMap((node): Path[] => {
    const { name } = node.metadata
    const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address
    if (address === undefined) return []
    return [
      {
        from: 'client',
        what: `NodePort of ${name}`,
        url: `http://${address}:${nodePort}/`,
        prefix: outside,
        pods: podCount,
        look: rules(name),
      },
      {
        from: 'client',
        what: `Ingress of ${name}`,
        url: `http://${address}/`,
        prefix: outside,
        headers: [`Host: ${host}`],
        pods: podCount,
        look: `${paths.logs}/${name}.log`,
      },
    ]
  })
  return [
    {
      from: podName,
      what: 'ClusterIP',
      url: `http://${spec.clusterIP}/`,
      prefix: fromPod as Path['prefix'],
      pods: podCount,
      look: rules(pod.spec.nodeName),
    },
    {
      from: podName,
      what: 'DNS name',
      url: 'http://web.default.svc.cluster.local/',
      prefix: fromPod as Path['prefix'],
      pods: podCount,
      look: `${paths.logs}/${pod.spec.nodeName}.log`,
    },
    ...nodePaths.filter(({ what }) => what.startsWith('NodePort')),
    ...nodePaths.filter(({ what }) => what.startsWith('Ingress')),
  ]
}

/** What answered, as rows of a table. */
const proveAll = async (progress: Progress, runner: CommandRunner, all: readonly Path[]): Promise<string[][]> => {
  const rows: string[][] = []
  for (const path of all) {
    const seen = await progress.run(`asking ${path.what} from ${path.from}`, () => prove(runner, path))
    const request = path.headers ? `${path.url} ${path.headers.join(' ')}` : path.url
    for (const [at, pod] of seen.pods.entries())
      rows.push(at === 0 ? [path.what, path.from, request, pod, seen.client] : ['', '', '', pod, ''])
  }
  return rows
}

/** Where there is a runtime program, it takes a second or two. */
const imageTimeoutMs = 20_000

/** A container of it will not come to run. */
const checkImagePod = async (client: Client): Promise<void> => {
  const { items } = await client.list(pods, { namespace: 'default', labelSelector: 'app=image' })
  for (const { status } of items)
    for (const { state } of status?.containerStatuses ?? [])
      if (/^(Err|Invalid|CreateContainer|RunContainer|CrashLoop)/.test(state?.waiting?.reason ?? ''))
        throw new Error(`${state?.waiting?.reason}: ${state?.waiting?.message ?? 'no reason is told'}`)
}

const imagePath = (from: Pick<Path, 'from' | 'prefix'>, { kubeconfig }: LabRecord): Path => ({
  ...from,
  what: 'pod of an image',
  url: 'http://image.default.svc.cluster.local/cgi-bin/who',
  pods: 1,
  look: `kubectl --kubeconfig ${kubeconfig} describe pods -l app=image`,
})

/** Waits for it; why there is none where this machine has not what it takes. `deploying`: what nobody had to wait for so far. */
const waitForImagePod = async (
  progress: Progress,
  client: Client,
  record: LabRecord,
  deploying: Promise<void>,
): Promise<boolean> => {
  const step = progress.step('a pod of an image made of busybox')
  try {
    await deploying
    await waitForPods(client, step, record, 'image', imageTimeoutMs, () => checkImagePod(client))
    step.done('ready')
    return true
  } catch (error) {
    step.done(`left out: ${errorText(error)}`)
    return false
  }
}

const demonstrate = async (
  progress: Progress,
  runner: CommandRunner,
  record: LabRecord,
  paths: LabPaths,
): Promise<void> => {
  const transport = createHttpTransport(await readKubeconfig(record.kubeconfig))
  let deploying = Promise.resolve()
  try {
    const client = createClient(transport)
    // It is made, and started, while the others are asked, and told where it is waited for.
    deploying = buildDemoImage(runner, record.name, paths.folder).then(() => applyExample(runner, record, 'image.yaml'))
    deploying.catch(() => undefined)
    await progress.run('kubectl apply -f examples/demo.yaml', () => applyExample(runner, record, 'demo.yaml'))
    const podCount = await progress.run('waiting for the pods of web', (step) =>
      waitForPods(client, step, record, 'web'),
    )
    const all = await pathsToProve(client, record, paths, podCount)
    const rows = await proveAll(progress, runner, all)
    const [first] = all
    if (first && (await waitForImagePod(progress, client, record, deploying)))
      rows.push(...(await proveAll(progress, runner, [imagePath(first, record)])))
    print(`\n${renderTable(['PATH', 'FROM', 'REQUEST', 'ANSWERED BY', 'CLIENT SEEN'], rows)}\n`)
  } finally {
    await deploying.catch(() => undefined)
    await transport.close()
  }
}

export const labDemo = async (name: string): Promise<void> => {
  const progress = createProgress()
  process.env['PATH'] = pathWithPodway()
  const runner = createCommandRunner()
  const paths = pathsOf(name)
  const { record, undo } = await bringUp(
    { name, nodes: 3, runtime: 'oci', nodeGrace: 10, podEviction: 60, evictionHard: '', timeout: 60 },
    progress,
  )
  await interruptible(() => demonstrate(progress, runner, record, paths), undo)
  const option = name === 'lab' ? '' : ` --name ${name}`
  print(`The lab goes on running. Try next:
  kubectl --kubeconfig ${record.kubeconfig} get pods -o wide
  ./podway lab exec client${option} -- podway fetch http://172.30.0.11/ --header "Host: ${host}"
  ./podway lab down${option}`)
}
