/** What a pod says of its own simulated run, in annotations. Pure. */
import type { Pod } from '../../api/types/index.ts'

/** Seconds that the containers of a pod run that is not restarted always; a fraction is allowed. */
export const runSecondsAnnotation = 'simulate.podway.dev/run-seconds'
/** The exit code of its main containers then; counts with `restartPolicy: Never`, since nothing simulated is restarted. */
export const exitCodeAnnotation = 'simulate.podway.dev/exit-code'

export interface PodScript {
  /** Undefined: it runs until somebody deletes it. */
  readonly runMs: number | undefined
  readonly exitCode: number
}

const maxRunSeconds = 10 * 365 * 86_400

/** Undefined for what is no number, or none that can be meant. */
const numberIn = (text: string | undefined, pattern: RegExp, most: number): number | undefined =>
  text !== undefined && text.length <= 32 && pattern.test(text) && Number(text) <= most ? Number(text) : undefined

/** `runMs`: for a pod that does not say it. Annotations that make no sense count as missing. */
export const podScript = ({ metadata, spec }: Pod, runMs: number): PodScript => {
  if ((spec.restartPolicy ?? 'Always') === 'Always') return { runMs: undefined, exitCode: 0 }
  const { [runSecondsAnnotation]: seconds, [exitCodeAnnotation]: code } = metadata.annotations ?? {}
  const asked = numberIn(seconds, /^\d+(\.\d+)?$/, maxRunSeconds)
  return {
    runMs: asked === undefined ? runMs : asked * 1000,
    exitCode: spec.restartPolicy === 'Never' ? (numberIn(code, /^\d+$/, 255) ?? 0) : 0,
  }
}
