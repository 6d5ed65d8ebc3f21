/** Plug-ins of others: what they throw names them, and what they say is held to its form. A pod suffers from it, and no other. */
import { errorText } from '../../../api/errors.ts'
import type { Logger } from '../../../host/log.ts'
import type { Permit, Reserve } from '../framework/binding.ts'
import type { Filter, Objection, PodFilter } from '../framework/filter.ts'
import type { ModuleParts } from '../framework/module.ts'
import { plainText } from '../framework/plain-text.ts'
import type { Plugin } from '../framework/plugin.ts'
import type { Score } from '../framework/score.ts'

/** kube-scheduler's. */
const longestPermitMs = 900_000
const mostReasons = 8

type Running = <T>(step: string, work: () => T) => T

const runningOf =
  (name: string): Running =>
  (step, work) => {
    try {
      return work()
    } catch (error) {
      throw new Error(`running ${step} plugin ${JSON.stringify(name)}: ${plainText(errorText(error))}`)
    }
  }

const objectionOf = ({ reasons, isFinal }: Objection): Objection => {
  if (!Array.isArray(reasons) || reasons.length === 0 || reasons.some((each) => typeof each !== 'string'))
    throw new Error('an objection without reasons')
  return { reasons: reasons.slice(0, mostReasons).map(plainText), isFinal: isFinal === true }
}

const guardedPodFilter = (own: PodFilter, running: Running): PodFilter => ({
  ...(own.refusal === undefined ? {} : { refusal: plainText(String(own.refusal)) }),
  check: (state) =>
    running('Filter', () => {
      const objection = own.check(state)
      return objection && objectionOf(objection)
    }),
  suppose: (pod, state, change) => running('Filter', () => own.suppose?.(pod, state, change)),
})

const guardedFilter = (filter: Filter, running: Running): Filter => ({
  helpedBy: [...filter.helpedBy, 'plugin'],
  prepare: (pod, snapshot) =>
    running('PreFilter', () => {
      const own = filter.prepare(pod, snapshot)
      return own && guardedPodFilter(own, running)
    }),
})

const guardedScore = (score: Score, running: Running): Score => ({
  weight: score.weight,
  prepare: (pod, fitting, snapshot) =>
    running('PreScore', () => {
      const of = score.prepare(pod, fitting, snapshot)
      return (
        of &&
        ((state) =>
          running('Score', () => {
            const value = of(state)
            if (value >= 0 && value <= 100) return value
            throw new Error(`an invalid score ${String(value)}, it should be in the range of [0, 100]`)
          }))
      )
    }),
})

const guardedReserve = (reserve: Reserve, name: string, log: Logger): Reserve => ({
  reserve: (pod, node) => reserve.reserve(pod, node),
  release: (pod) => {
    try {
      reserve.release(pod)
    } catch (err) {
      log.error({ err, plugin: name }, 'a scheduler plug-in cannot give back what it has reserved')
    }
  },
})

const guardedPermit = ({ timeoutMs, ...own }: Permit): Permit => {
  if (!(timeoutMs > 0 && timeoutMs <= longestPermitMs))
    throw new Error(`permit.timeoutMs: is no number from 1 to ${longestPermitMs}`)
  return {
    timeoutMs,
    permit: async (pod, node, signal) => {
      const answer: unknown = await own.permit(pod, node, signal)
      if (answer === undefined) return undefined
      if (typeof answer !== 'string') throw new Error('a permit that is neither undefined nor a reason')
      return plainText(answer) || 'the permit was refused'
    },
  }
}

/** Throws what makes no plug-in. */
export const guarded = (name: string, parts: ModuleParts, log: Logger): Plugin => {
  const running = runningOf(name)
  const { filter, score, reserve, permit, preBind, bind } = parts
  if (score && !(score.weight >= 0 && Number.isFinite(score.weight))) throw new Error('score.weight: is no weight')
  return {
    name,
    ...(filter ? { filter: guardedFilter(filter, running) } : {}),
    ...(score ? { score: guardedScore(score, running) } : {}),
    ...(reserve ? { reserve: guardedReserve(reserve, name, log) } : {}),
    ...(permit ? { permit: guardedPermit(permit) } : {}),
    ...(preBind ? { preBind: async (pod, node, signal) => preBind(pod, node, signal) } : {}),
    ...(bind ? { bind: async (pod, node, signal) => (await bind(pod, node, signal)) === true } : {}),
  }
}
