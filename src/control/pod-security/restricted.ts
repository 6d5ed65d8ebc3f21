/** What the restricted level asks for beyond the baseline: the hardening that is current practice. Pure. */
import { isBadSeccomp, textsAt } from './baseline.ts'
import type { Check } from './check.ts'
import { at, type ContainerView, distinct, listAt, named, type PodSecurityView, plural, quoted } from './pod-view.ts'
import { badSetters } from './setters.ts'

/** From 1.25 on, what Windows does not have is not asked of its pods. */
const isExempt = ({ isWindows }: PodSecurityView, minor: number): boolean => isWindows && minor >= 25

const namesOf = (containers: readonly ContainerView[]): readonly string[] => containers.map(({ name }) => name)

const allowPrivilegeEscalation: Check = {
  id: 'allowPrivilegeEscalation',
  since: 8,
  check: (pod, minor) => {
    const bad = pod.containers.filter(
      ({ container }) => at(container, 'securityContext', 'allowPrivilegeEscalation') !== false,
    )
    if (bad.length === 0 || isExempt(pod, minor)) return undefined
    return {
      reason: 'allowPrivilegeEscalation != false',
      detail: `${named('container', namesOf(bad))} must set securityContext.allowPrivilegeEscalation=false`,
    }
  },
}

const capabilities: Check = {
  id: 'capabilities_restricted',
  since: 22,
  replaces: 'capabilities_baseline',
  check: (pod, minor) => {
    const listed = (container: unknown, list: string) => textsAt(container, 'securityContext', 'capabilities', list)
    const keeping = pod.containers.filter(({ container }) => !listed(container, 'drop').includes('ALL'))
    const added = (container: unknown) => listed(container, 'add').filter((each) => each !== 'NET_BIND_SERVICE')
    const adding = pod.containers.filter(({ container }) => added(container).length > 0)
    if (isExempt(pod, minor)) return undefined
    const details = [
      ...(keeping.length > 0
        ? [`${named('container', namesOf(keeping))} must set securityContext.capabilities.drop=["ALL"]`]
        : []),
      ...(adding.length > 0
        ? [
            `${named('container', namesOf(adding))} must not include ${quoted(distinct(adding.flatMap(({ container }) => added(container))))} in securityContext.capabilities.add`,
          ]
        : []),
    ]
    return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') }
  },
}

const usualVolumes = [
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim'],
  ...['projected', 'secret'],
]

const volumes: Check = {
  id: 'restrictedVolumes',
  since: 0,
  replaces: 'hostPathVolumes',
  check: ({ spec }) => {
    const bad = listAt(spec, 'volumes').flatMap(({ name, ...sources }) => {
      const types = Object.keys(sources).filter((type) => sources[type] !== undefined)
      const wrong = types.filter((type) => !usualVolumes.includes(type))
      return wrong.length > 0 ? [{ name: String(name), types: wrong }] : []
    })
    if (bad.length === 0) return undefined
    const types = distinct(bad.flatMap((each) => each.types))
    const names = bad.map(({ name }) => name)
    return {
      reason: 'restricted volume types',
      detail: `${named('volume', names)} ${names.length === 1 ? 'uses' : 'use'} ${plural('restricted volume type', types.length)} ${quoted(types)}`,
    }
  },
}

const runAsNonRoot: Check = {
  id: 'runAsNonRoot',
  since: 0,
  check: (pod) => {
    const reason = 'runAsNonRoot != true'
    const setters = badSetters(pod, ['runAsNonRoot'], (value) => value === false)
    if (setters) return { reason, detail: `${setters.text} must not set securityContext.runAsNonRoot=false` }
    if (at(pod.spec, 'securityContext', 'runAsNonRoot') === true) return undefined
    const silent = pod.containers.filter(
      ({ container }) => at(container, 'securityContext', 'runAsNonRoot') === undefined,
    )
    if (silent.length === 0) return undefined
    return {
      reason,
      detail: `pod or ${named('container', namesOf(silent))} must set securityContext.runAsNonRoot=true`,
    }
  },
}

const runAsUser: Check = {
  id: 'runAsUser',
  since: 23,
  check: (pod) => {
    const setters = badSetters(pod, ['runAsUser'], (value) => value === 0)
    return setters ? { reason: 'runAsUser=0', detail: `${setters.text} must not set runAsUser=0` } : undefined
  },
}

const seccompProfile: Check = {
  id: 'seccompProfile_restricted',
  since: 19,
  replaces: 'seccompProfile_baseline',
  check: (pod, minor) => {
    if (isExempt(pod, minor)) return undefined
    const reason = 'seccompProfile'
    const path = ['seccompProfile', 'type']
    const setters = badSetters(pod, path, isBadSeccomp)
    if (setters)
      return {
        reason,
        detail: `${setters.text} must not set securityContext.seccompProfile.type to ${quoted(setters.values)}`,
      }
    if (at(pod.spec, 'securityContext', ...path) !== undefined) return undefined
    const silent = pod.containers.filter(({ container }) => at(container, 'securityContext', ...path) === undefined)
    if (silent.length === 0) return undefined
    return {
      reason,
      detail: `pod or ${named('container', namesOf(silent))} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
    }
  },
}

export const restrictedChecks: readonly Check[] = [
  ...[allowPrivilegeEscalation, capabilities, volumes, runAsNonRoot, runAsUser, seccompProfile],
]
