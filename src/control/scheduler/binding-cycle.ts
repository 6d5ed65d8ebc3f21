/** What happens once a pod has its node, until it is bound or its reservations are given back. */
import type { Clock } from '../../api/clock.ts'
import { errorText, isConflict, isNotFound } from '../../api/errors.ts'
import type { Node, Pod } from '../../api/types/index.ts'
import { explain } from './explain.ts'
import type { Bind, Permit, PreBind, Reserve } from './framework/binding.ts'
import type { BindingPlugins, Named } from './profile.ts'
import { failed, type Verdict, verdictOf } from './verdict.ts'

/** Without a verdict: somebody else was faster, or the pod is wanted no longer. */
export type Outcome = { readonly isBound: true } | { readonly isBound: false; readonly verdict?: Verdict }

/** kube-scheduler's bindTimeoutSeconds: for each that prepares something on the node, and for who binds. */
const bindLimitMs = 600_000

/** In the form of Go's durations. */
const seconds = (ms: number): string => `${ms / 1_000}s`

/** Nobody is to blame. */
class Ended extends Error {}

const ended = new Ended()

const timedOut = (): Error => new Error('timed out waiting for the condition')

/** A permit was not given. */
class NotPermitted extends Error {}

interface Cycle {
  readonly pod: Pod
  readonly node: Node
  readonly signal: AbortSignal
  /** What the work comes to, unless the cycle ends before. After `ms` it ends, for the reason that `late` makes. */
  within<T>(work: Promise<T> | T, ms: number, late?: () => Error): Promise<T>
}

const begin = (pod: Pod, node: Node, clock: Clock, end: AbortController): Cycle => {
  const over = new Promise<never>((_resolve, reject) => {
    const stop = (): void => reject(end.signal.reason)
    if (end.signal.aborted) stop()
    else end.signal.addEventListener('abort', stop, { once: true })
  })
  over.catch(() => undefined)
  return {
    ...{ pod, node, signal: end.signal },
    within: async (work, ms, late = timedOut) => {
      if (!(work instanceof Promise)) return work
      const cancel = clock.after(ms, () => end.abort(late()))
      try {
        return await Promise.race([work, over])
      } finally {
        cancel()
      }
    },
  }
}

/** Whose work failed, in the words of kube-scheduler. */
const blame = (step: string, name: string, error: unknown): Error =>
  error instanceof Ended || isConflict(error) || isNotFound(error)
    ? new Ended('', { cause: error })
    : new Error(`running ${step} plugin ${JSON.stringify(name)}: ${errorText(error)}`)

const reserve = (name: string, own: Reserve, { pod, node }: Cycle): void => {
  try {
    own.reserve(pod, node)
  } catch (error) {
    throw blame('Reserve', name, error)
  }
}

const permit = async ({ name, own }: Named<Permit>, { pod, node, signal, within }: Cycle): Promise<void> => {
  const late = () =>
    new NotPermitted(`rejected due to timeout after waiting ${seconds(own.timeoutMs)} at plugin ${name}`)
  let answer: string | undefined
  try {
    answer = await within(own.permit(pod, node, signal), own.timeoutMs, late)
  } catch (error) {
    throw error instanceof NotPermitted ? error : blame('Permit', name, error)
  }
  if (answer !== undefined) throw new NotPermitted(answer)
}

const prepare = async ({ name, own }: Named<PreBind>, { pod, node, signal, within }: Cycle): Promise<void> => {
  try {
    await within(own(pod, node, signal), bindLimitMs)
  } catch (error) {
    throw blame('PreBind', name, error)
  }
}

const bind = async ({ name, own }: Named<Bind>, { pod, node, signal, within }: Cycle): Promise<boolean> => {
  try {
    return await within(own(pod, node, signal), bindLimitMs)
  } catch (error) {
    throw blame('Bind', name, error)
  }
}

const bindBy = async (binds: BindingPlugins['binds'], cycle: Cycle): Promise<void> => {
  for (const each of binds) if (await bind(each, cycle)) return
  throw new Error('no plug-in has bound the pod')
}

/** The pod is wanted no longer. */
export const endCycle = (end: AbortController): void => end.abort(ended)

const outcomeOf = (error: unknown): Outcome => {
  if (error instanceof Ended) return { isBound: false }
  if (error instanceof NotPermitted)
    return { isBound: false, verdict: verdictOf('Unschedulable', explain([[error.message]])) }
  return { isBound: false, verdict: failed(error) }
}

/** `end`: by which the cycle is ended. Reservations are made before this returns. Never rejects. */
export const runBindingCycle = async (
  pod: Pod,
  node: Node,
  plugins: BindingPlugins,
  clock: Clock,
  end: AbortController,
): Promise<Outcome> => {
  const cycle = begin(pod, node, clock, end)
  const reserved: Reserve[] = []
  try {
    for (const { name, own } of plugins.reserves) {
      reserved.push(own)
      reserve(name, own, cycle)
    }
    await Promise.all(plugins.permits.map((each) => permit(each, cycle)))
    for (const each of plugins.preBinds) await prepare(each, cycle)
    await bindBy(plugins.binds, cycle)
    return { isBound: true }
  } catch (error) {
    for (const own of reserved.toReversed()) own.release(pod)
    return outcomeOf(error)
  } finally {
    endCycle(end)
  }
}
