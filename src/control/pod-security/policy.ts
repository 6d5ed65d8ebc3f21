/** Which level of the Pod Security Standards a namespace asks for, and what of a pod is against it. Pure. */
import { type FieldError, invalidValue } from '../../api/errors.ts'
import { kubernetesMinor } from '../../api/kubernetes-version.ts'
import type { StringMap } from '../../api/types/index.ts'
import { baselineChecks } from './baseline.ts'
import type { Check, Violation } from './check.ts'
import type { PodSecurityView } from './pod-view.ts'
import { restrictedChecks } from './restricted.ts'

export const levels = ['privileged', 'baseline', 'restricted'] as const
export type Level = (typeof levels)[number]

export interface LevelVersion {
  readonly level: Level
  /** `latest` or `v1.N`. */
  readonly version: string
}

export const modes = ['enforce', 'audit', 'warn'] as const
export type Mode = (typeof modes)[number]
export type Policy = Readonly<Record<Mode, LevelVersion>>

/** Of labels and of what is told to the audit log. */
export const prefix = 'pod-security.kubernetes.io/'
const isLevel = (text: string): text is Level => (levels as readonly string[]).includes(text)
const versionPattern = /^(latest|v1\.(0|[1-9]\d{0,3}))$/

/** What cannot be read is taken for the strictest: whoever wrote it wanted something. */
const levelOf = (labels: StringMap, mode: Mode): LevelVersion => {
  const text = labels[`${prefix}${mode}`]
  const version = labels[`${prefix}${mode}-version`] ?? 'latest'
  const level = text === undefined ? 'privileged' : isLevel(text) ? text : 'restricted'
  return { level, version: versionPattern.test(version) ? version : 'latest' }
}

export const policyOf = (labels: StringMap = {}): Policy => ({
  enforce: levelOf(labels, 'enforce'),
  audit: levelOf(labels, 'audit'),
  warn: levelOf(labels, 'warn'),
})

export const labelErrors = (labels: StringMap = {}): readonly FieldError[] =>
  modes.flatMap((mode) => {
    const level = labels[`${prefix}${mode}`]
    const version = labels[`${prefix}${mode}-version`]
    const field = (name: string): string => `metadata.labels[${prefix}${name}]`
    return [
      ...(level === undefined || isLevel(level)
        ? []
        : [invalidValue(field(mode), level, `must be one of ${levels.join(', ')}`)]),
      ...(version === undefined || versionPattern.test(version)
        ? []
        : [invalidValue(field(`${mode}-version`), version, 'must be "latest" or "v1.x"')]),
    ]
  })

export const policyText = ({ level, version }: LevelVersion): string => `${level}:${version}`

const newest = Number(kubernetesMinor)
const minorOf = (version: string): number =>
  version === 'latest' ? newest : Math.min(newest, Number(version.slice('v1.'.length)))

/** The baseline first, each in the order of names. */
const checksOf = (level: Level, minor: number): readonly Check[] => {
  const there = (checks: readonly Check[]) => checks.filter(({ since }) => minor >= since)
  if (level === 'privileged') return []
  const more = level === 'restricted' ? there(restrictedChecks) : []
  const replaced = new Set(more.map(({ replaces }) => replaces))
  return [...there(baselineChecks).filter(({ id }) => !replaced.has(id)), ...more]
}

export const violationsOf = (pod: PodSecurityView, { level, version }: LevelVersion): readonly Violation[] => {
  const minor = minorOf(version)
  return checksOf(level, minor).flatMap(({ check }) => check(pod, minor) ?? [])
}

export const violationText = (violations: readonly Violation[]): string =>
  violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ')
