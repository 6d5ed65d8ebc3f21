/** An extender as a plug-in. */
import type { Node, Pod } from '../../../api/types/index.ts'
import type { ExtenderSettings } from '../config/settings.ts'
import type { Bind } from '../framework/binding.ts'
import type { PluginContext } from '../framework/context.ts'
import type { Extend } from '../framework/extend.ts'
import type { Plugin } from '../framework/plugin.ts'
import { createExtenderClient, type ExtenderClient } from './client.ts'
import {
  bindAnswer,
  bindingArgs,
  filterAnswer,
  nodesArgs,
  preemptAnswer,
  preemptionArgs,
  prioritizeAnswer,
  type WireForm,
} from './wire.ts'

/** Its scores are 10 at best, those of plug-ins 100. */
const scale = 10

const asksForAny = ({ spec }: Pod, names: ReadonlySet<string>): boolean =>
  [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) =>
    [resources?.requests, resources?.limits].some((amounts) =>
      Object.keys(amounts ?? {}).some((name) => names.has(name)),
    ),
  )

/** Where pods can do without an answer. */
type Perhaps = <T>(work: Promise<T>, instead: T, signal: AbortSignal) => Promise<T>

const extendOf = (
  settings: ExtenderSettings,
  isInterested: (pod: Pod) => boolean,
  { ask }: ExtenderClient,
  perhaps: Perhaps,
): Extend => {
  const { filterVerb, prioritizeVerb, preemptVerb, weight, ignorable, nodeCacheCapable } = settings
  const form: WireForm = { namesOnly: nodeCacheCapable }
  const optional = <T>(work: Promise<T>, instead: T, signal: AbortSignal): Promise<T> =>
    ignorable ? perhaps(work, instead, signal) : work

  const filter: Extend['filter'] = (pod, nodes, signal) => {
    const read = (answer: unknown) => filterAnswer(answer, nodes, form)
    return optional(ask(filterVerb, nodesArgs(pod, nodes, form), read, signal), new Map(), signal)
  }
  const prioritize = async (pod: Pod, nodes: readonly Node[], signal: AbortSignal) => {
    const scores = await ask(prioritizeVerb, nodesArgs(pod, nodes, form), prioritizeAnswer, signal)
    return new Map([...scores].map(([name, score]) => [name, scale * weight * score]))
  }
  return {
    isInterested,
    ...(filterVerb ? { filter } : {}),
    // Nobody has to know which node is best.
    ...(prioritizeVerb
      ? { score: (pod, nodes, signal) => perhaps(prioritize(pod, nodes, signal), new Map(), signal) }
      : {}),
    ...(preemptVerb
      ? {
          preempt: (pod, candidates, signal) => {
            const read = (answer: unknown) => preemptAnswer(answer, pod, candidates)
            return optional(ask(preemptVerb, preemptionArgs(pod, candidates, form), read, signal), candidates, signal)
          },
        }
      : {}),
  }
}

export const createHttpExtender = (
  settings: ExtenderSettings,
  { log, signal: end }: Pick<PluginContext, 'log' | 'signal'>,
): Plugin => {
  const { urlPrefix, filterVerb, prioritizeVerb, preemptVerb, bindVerb, managedResources } = settings
  const client = createExtenderClient(settings)
  end.addEventListener('abort', client.close, { once: true })
  const managed = new Set(managedResources.map(({ name }) => name))
  const isInterested = (pod: Pod): boolean => managed.size === 0 || asksForAny(pod, managed)
  const perhaps: Perhaps = (work, instead, signal) =>
    work.catch((err: unknown) => {
      signal.throwIfAborted()
      log.warn({ err, extender: urlPrefix }, 'an extender has not answered; going on without it')
      return instead
    })
  const bind: Bind = async (pod, node, signal) => {
    if (!isInterested(pod)) return false
    await client.ask(bindVerb, bindingArgs(pod, node), bindAnswer, signal)
    return true
  }
  return {
    name: urlPrefix,
    ...(filterVerb || prioritizeVerb || preemptVerb
      ? { extend: extendOf(settings, isInterested, client, perhaps) }
      : {}),
    ...(bindVerb ? { bind } : {}),
  }
}
