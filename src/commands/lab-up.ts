import { deepEqual } from '../api/deep-equal.ts'
import { counted } from '../host/counted.ts'
import { print, printError } from '../host/terminal.ts'
import { isIPv6 } from '../ip/address.ts'
import { parseCidr } from '../ip/cidr.ts'
import {
  checkPublications,
  endLab,
  makeFolder,
  readOrders,
  StillStarting,
  startKeeper,
  waitUntilUp,
} from '../lab/lifecycle.ts'
import { lastWords } from '../lab/logs.ts'
import { type LabPaths, type LabPlan, type Publication, parsePublication, planLab } from '../lab/plan.ts'
import { checkNamespaces } from '../lab/requirements.ts'
import { type LabRecord, readLab } from '../lab/state.ts'
import { ensureHome } from './home.ts'
import { interruptible } from './interruption.ts'
import { pathsOf } from './lab-common.ts'
import { podNote } from './pod-note.ts'
import { createProgress, type Progress } from './progress.ts'
import { runtimeOf } from './runtime.ts'
import { podwayWords } from './self.ts'
import { UsageError } from './usage-error.ts'

export interface UpOptions {
  readonly name: string
  readonly nodes: number
  readonly runtime: string
  readonly publish?: readonly string[]
  readonly nodeGrace: number
  readonly podEviction: number
  readonly evictionHard: string
  readonly dualStack?: boolean
  readonly loadBalancerCidr?: string
  readonly timeout: number
}

const publications = (texts: readonly string[], plan: Pick<LabPlan, 'hosts'>): readonly Publication[] =>
  texts.map((text) => {
    try {
      const publication = parsePublication(text)
      if (!plan.hosts.some(({ name }) => name === publication.lab.host))
        throw new Error(`--publish ${text}: this lab will have no host ${publication.lab.host}`)
      return publication
    } catch (error) {
      throw new UsageError(error instanceof Error ? error.message : String(error))
    }
  })

const planOf = (options: UpOptions): LabPlan => {
  const { loadBalancerCidr: pool, dualStack = false } = options
  if (pool !== undefined && parseCidr(pool) === undefined)
    throw new UsageError(`--load-balancer-cidr ${pool}: expected a range such as 192.0.2.0/24`)
  if (pool !== undefined && isIPv6(pool) && !dualStack)
    throw new UsageError(`--load-balancer-cidr ${pool}: only a lab with --dual-stack has IPv6`)
  const bare = planLab({
    name: options.name,
    nodes: options.nodes,
    publish: [],
    nodeGraceSeconds: options.nodeGrace,
    podEvictionSeconds: options.podEviction,
    evictionHard: options.evictionHard,
    dualStack,
    runtime: runtimeOf(options.runtime),
    ...(pool === undefined ? {} : { loadBalancerCidr: pool }),
  })
  const publish = publications(options.publish ?? [], bare)
  const ports = publish.map(({ hostPort }) => hostPort).filter((port) => port !== 0)
  const twice = ports.find((port, at) => ports.indexOf(port) !== at)
  if (twice !== undefined) throw new UsageError(`--publish: port ${twice} is there twice`)
  return { ...bare, publish }
}

/** A lab that `bringUp` has found or made. */
export interface UpLab {
  readonly record: LabRecord
  /** Takes a lab that was made here away again; one that was there before stays. */
  undo(): Promise<void>
}

const checkSamePlan = async (paths: LabPaths, plan: LabPlan): Promise<void> => {
  const { plan: existing } = await readOrders(paths.plan)
  if (!deepEqual(existing, JSON.parse(JSON.stringify(plan))))
    throw new Error(`lab ${plan.name} is up with other options; end it first: podway lab down --name ${plan.name}`)
}

/** The steps of a start, as people are told them. */
const tellSteps = (progress: Progress, plan: LabPlan) => {
  let step = progress.step(`lab ${plan.name}: making its universe`)
  const next = (text: string): void => {
    step.done()
    step = progress.step(text)
  }
  return {
    on: {
      universe: () => next('starting the control plane'),
      control: () => next(`waiting for ${counted(plan.nodes, 'node')}`),
      nodes: (ready: number) => step.update(`${ready} of ${plan.nodes} Ready`),
    },
    end: (word?: string) => step.done(word),
  }
}

/**
 * Brings a lab up, or finds it up already, and waits for it. What it makes it takes away again when it is interrupted, or when
 * the lab cannot be started; a lab that is only slow goes on.
 */
export const bringUp = async (options: UpOptions, progress: Progress): Promise<UpLab> => {
  const paths = pathsOf(options.name)
  const plan = planOf(options)
  const home = await ensureHome()
  let isMade = false
  let keeper: number | undefined
  const undo = async (): Promise<void> => {
    if (isMade) await endLab(paths, { keeper })
  }
  const wasUp = (await readLab(paths)) !== undefined
  const start = async (signal: AbortSignal): Promise<void> => {
    await checkPublications(plan)
    const { notes } = await checkNamespaces()
    for (const note of notes) printError(note)
    await makeFolder(paths)
    isMade = true
    await startKeeper({ plan, home }, paths, podwayWords(), signal, (pid) => {
      keeper = pid
    })
  }
  const record = await interruptible(async (signal) => {
    if (wasUp) await checkSamePlan(paths, plan)
    else await start(signal)
    const steps = tellSteps(progress, plan)
    try {
      const up = await waitUntilUp(paths, plan, { timeoutMs: options.timeout * 1000, keeper, signal }, steps.on)
      steps.end()
      return up
    } catch (error) {
      steps.end('failed')
      if (error instanceof StillStarting || signal.aborted || wasUp) throw error
      await endLab(paths, { keeper, failed: true })
      throw new Error(`${error instanceof Error ? error.message : String(error)}; ${await lastWords(paths)}`)
    }
  }, undo)
  return { record, undo }
}

export const labUp = async (options: UpOptions): Promise<void> => {
  const { record } = await bringUp(options, createProgress())
  const suffix = options.name === 'lab' ? '' : ` --lab ${options.name}`
  print(`lab ${record.name} is up; try: kubectl --kubeconfig $(podway kubeconfig${suffix}) get nodes`)
  print(podNote)
  for (const { port, host, to } of record.published) print(`http://127.0.0.1:${port}/ leads to port ${to} of ${host}`)
}
