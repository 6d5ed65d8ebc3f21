/** Where logs are: a folder for each pod, one for each container in it, a file for each instance. */
import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Takes a file, or a folder with all that is in it, out of the logs' folder for good. */
export type DiscardLog = (path: string) => Promise<void>

export interface LoggedPod {
  readonly namespace: string
  readonly name: string
  /** The pod's uid. */
  readonly id: string
}

/** As the kubelet lays out /var/log/pods. No part can hold an underscore. */
export const podLogDir = (logDir: string, pod: LoggedPod): string =>
  join(logDir, `${pod.namespace}_${pod.name}_${pod.id}`)

/** The file the instance `attempt` of a container writes to; its folder is made. */
export const makeLogFile = async (logDir: string, pod: LoggedPod, container: string, attempt: number) => {
  const folder = join(podLogDir(logDir, pod), container)
  await mkdir(folder, { recursive: true, mode: 0o750 })
  return join(folder, `${attempt}.log`)
}

/** Removes what belongs to an instance: its log, the index and the rotated parts. */
export const removeLogsBefore = async (
  logDir: string,
  pod: LoggedPod,
  container: string,
  attempt: number,
  discard: DiscardLog,
) => {
  const folder = join(podLogDir(logDir, pod), container)
  for (const name of await readdir(folder)) {
    const found = /^(\d+)\.log/.exec(name)
    if (found && Number(found[1]) < attempt) await discard(join(folder, name))
  }
}

/** Removes the folders of pods that are not among `known`. */
export const removeOtherLogs = async (
  logDir: string,
  known: readonly LoggedPod[],
  discard: DiscardLog,
): Promise<void> => {
  await mkdir(logDir, { recursive: true, mode: 0o755 })
  const kept = new Set(known.map((pod) => podLogDir(logDir, pod)))
  for (const name of await readdir(logDir)) {
    const folder = join(logDir, name)
    if (/^[^_]+_[^_]+_[^_]+$/.test(name) && !kept.has(folder)) await discard(folder)
  }
}

/** A pod whose logs are there. */
export interface KnownLogs extends LoggedPod {
  readonly running: boolean
  readonly containers: readonly { readonly name: string; readonly attempt: number }[]
}

/** Removes what only tells of the past: all logs of pods that do not run any longer, and of others those before the latest instances. */
export const removeEndedLogs = async (
  logDir: string,
  pods: readonly KnownLogs[],
  discard: DiscardLog,
): Promise<void> => {
  // It is asked again and again while room is short.
  for (const pod of pods.filter((each) => existsSync(podLogDir(logDir, each)))) {
    if (!pod.running) await discard(podLogDir(logDir, pod))
    else
      for (const { name, attempt } of pod.containers)
        if (attempt > 0) await removeLogsBefore(logDir, pod, name, attempt, discard)
  }
}
