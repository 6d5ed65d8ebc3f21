import { readFile } from 'node:fs/promises'
import { deepEqual } from '../control/deep-equal.ts'
import { type LabOrders, startKeeper, waitUntilUp } from '../lab/lifecycle.ts'
import { type LabPlan, type Publication, parsePublication, planLab } from '../lab/plan.ts'
import { checkNamespaces } from '../lab/requirements.ts'
import { type LabRecord, readLab } from '../lab/state.ts'
import { ensureHome } from './home.ts'
import { pathsOf } from './lab-common.ts'
import { podNote } from './pod-note.ts'
import { createProgress, type Progress } from './progress.ts'
import { podwayWords } from './self.ts'
import { UsageError } from './usage-error.ts'

export interface UpOptions {
  readonly name: string
  readonly nodes: number
  readonly runtime: string
  readonly publish?: readonly string[]
  readonly nodeGrace: number
  readonly podEviction: number
  readonly dualStack?: boolean
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
  if (options.runtime !== 'process') throw new UsageError(`--runtime ${options.runtime}: there is only "process" yet`)
  const bare = planLab({
    name: options.name,
    nodes: options.nodes,
    publish: [],
    nodeGraceSeconds: options.nodeGrace,
    podEvictionSeconds: options.podEviction,
    dualStack: options.dualStack ?? false,
  })
  return { ...bare, publish: publications(options.publish ?? [], bare) }
}

/** Brings a lab up, or finds it up already, and waits for it. */
export const bringUp = async (options: UpOptions, progress: Progress): Promise<LabRecord> => {
  const paths = pathsOf(options.name)
  const plan = planOf(options)
  const home = await ensureHome()
  if (await readLab(paths)) {
    const { plan: existing } = JSON.parse(await readFile(paths.plan, 'utf8')) as LabOrders
    if (!deepEqual(existing, JSON.parse(JSON.stringify(plan))))
      throw new Error(`lab ${plan.name} is up with other options; end it first: podway lab down --name ${plan.name}`)
  } else {
    const { notes } = await checkNamespaces()
    for (const note of notes) console.error(note)
    await startKeeper({ plan, home }, paths, podwayWords())
  }
  const universe = progress.step(`lab ${plan.name}: making its universe`)
  let step = universe
  return waitUntilUp(paths, plan, options.timeout * 1000, {
    universe: () => {
      step.done()
      step = progress.step('starting the control plane')
    },
    control: () => {
      step.done()
      step = progress.step(`waiting for ${plan.nodes} nodes`)
    },
    nodes: (ready) => step.update(`${ready} of ${plan.nodes} Ready`),
  }).then(
    (record) => {
      step.done()
      return record
    },
    (error: unknown) => {
      step.done('failed')
      throw error
    },
  )
}

export const labUp = async (options: UpOptions): Promise<void> => {
  const record = await bringUp(options, createProgress())
  const suffix = options.name === 'lab' ? '' : ` --lab ${options.name}`
  console.log(`lab ${record.name} is up; try: kubectl --kubeconfig $(podway kubeconfig${suffix}) get nodes`)
  console.log(podNote)
  for (const { port, host, to } of record.published)
    console.log(`http://127.0.0.1:${port}/ leads to port ${to} of ${host}`)
}
