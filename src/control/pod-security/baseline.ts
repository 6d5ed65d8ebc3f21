/** The baseline of the Pod Security Standards: nothing by which a pod can take its node over in a known way. Pure. */
import { isJsonObject } from '../../api/json.ts'
import type { Check } from './check.ts'
import { at, distinct, listAt, named, plural, quoted } from './pod-view.ts'
import { badSetters } from './setters.ts'

const usualCapabilities = [
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP'],
  ...['SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
]

export const textsAt = (value: unknown, ...path: readonly string[]): readonly string[] => {
  const found = at(value, ...path)
  return Array.isArray(found) ? found.map(String) : []
}

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/'
const isGoodAnnotation = (value: string): boolean =>
  value === '' || value === 'runtime/default' || value.startsWith('localhost/')

const appArmorProfile: Check = {
  id: 'appArmorProfile',
  since: 0,
  check: (pod) => {
    const isBad = (type: unknown) => type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost'
    const fields = badSetters(pod, ['appArmorProfile', 'type'], isBad)
    const annotations = Object.entries(pod.annotations)
      .filter(([name, value]) => name.startsWith(appArmorPrefix) && !isGoodAnnotation(String(value)))
      .sort(([a], [b]) => (a < b ? -1 : 1))
    if (!fields && annotations.length === 0) return undefined
    const names = annotations.map(([name]) => name)
    const setters = [fields?.text ?? [], names.length > 0 ? [named('annotation', names)] : []].flat()
    const values = distinct([...(fields?.values ?? []), ...annotations.map(([, value]) => String(value))])
    return {
      reason: plural('forbidden AppArmor profile', values.length),
      detail: `${setters.join(' and ')} must not set AppArmor profile type to ${quoted(values)}`,
    }
  },
}

const capabilities: Check = {
  id: 'capabilities_baseline',
  since: 0,
  check: ({ containers }) => {
    const bad = containers
      .map(({ name, container }) => ({
        name,
        added: textsAt(container, 'securityContext', 'capabilities', 'add').filter(
          (each) => !usualCapabilities.includes(each),
        ),
      }))
      .filter(({ added }) => added.length > 0)
    if (bad.length === 0) return undefined
    const names = bad.map(({ name }) => name)
    const added = distinct(bad.flatMap((each) => each.added))
    return {
      reason: 'non-default capabilities',
      detail: `${named('container', names)} must not include ${quoted(added)} in securityContext.capabilities.add`,
    }
  },
}

const hostNamespaces: Check = {
  id: 'hostNamespaces',
  since: 0,
  check: ({ spec }) => {
    const shared = ['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => spec[field] === true)
    if (shared.length === 0) return undefined
    return { reason: 'host namespaces', detail: shared.map((field) => `${field}=true`).join(', ') }
  },
}

const hostPathVolumes: Check = {
  id: 'hostPathVolumes',
  since: 0,
  check: ({ spec }) => {
    const names = listAt(spec, 'volumes')
      .filter((volume) => isJsonObject(volume['hostPath']))
      .map(({ name }) => String(name))
    return names.length === 0 ? undefined : { reason: 'hostPath volumes', detail: named('volume', names) }
  },
}

const hostPorts: Check = {
  id: 'hostPorts',
  since: 0,
  check: ({ containers }) => {
    const bad = containers
      .map(({ name, container }) => ({
        name,
        ports: listAt(container, 'ports').flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : [])),
      }))
      .filter(({ ports }) => ports.length > 0)
    if (bad.length === 0) return undefined
    const names = bad.map(({ name }) => name)
    const ports = distinct(bad.flatMap((each) => each.ports))
    const uses = names.length === 1 ? 'uses' : 'use'
    return {
      reason: 'hostPort',
      detail: `${named('container', names)} ${uses} ${plural('hostPort', ports.length)} ${ports.join(', ')}`,
    }
  },
}

const privileged: Check = {
  id: 'privileged',
  since: 0,
  check: ({ containers }) => {
    const names = containers
      .filter(({ container }) => at(container, 'securityContext', 'privileged') === true)
      .map(({ name }) => name)
    if (names.length === 0) return undefined
    return {
      reason: 'privileged',
      detail: `${named('container', names)} must not set securityContext.privileged=true`,
    }
  },
}

const procMount: Check = {
  id: 'procMount',
  since: 0,
  check: ({ containers }) => {
    const bad = containers
      .map(({ name, container }) => ({ name, value: at(container, 'securityContext', 'procMount') }))
      .filter(({ value }) => value !== undefined && value !== 'Default')
    if (bad.length === 0) return undefined
    const names = bad.map(({ name }) => name)
    const values = distinct(bad.map(({ value }) => String(value)))
    return {
      reason: 'procMount',
      detail: `${named('container', names)} must not set securityContext.procMount to ${quoted(values)}`,
    }
  },
}

const isSet = (value: unknown): boolean => value !== undefined && value !== ''

const seLinuxTypes = (minor: number): readonly string[] => [
  ...['container_t', 'container_init_t', 'container_kvm_t'],
  ...(minor >= 31 ? ['container_engine_t'] : []),
]

const seLinuxOptions: Check = {
  id: 'seLinuxOptions',
  since: 0,
  check: (pod, minor) => {
    const isBadType = (type: unknown) => isSet(type) && !seLinuxTypes(minor).includes(String(type))
    const isBad = (options: unknown) =>
      isBadType(at(options, 'type')) || isSet(at(options, 'user')) || isSet(at(options, 'role'))
    const setters = badSetters(pod, ['seLinuxOptions'], isBad)
    if (!setters) return undefined
    const types = badSetters(pod, ['seLinuxOptions', 'type'], isBadType)?.values ?? []
    const sets = (field: string) => badSetters(pod, ['seLinuxOptions', field], isSet) !== undefined
    const data = [
      ...(types.length > 0 ? [named('type', types)] : []),
      ...(sets('user') ? ['user may not be set'] : []),
      ...(sets('role') ? ['role may not be set'] : []),
    ]
    return {
      reason: 'seLinuxOptions',
      detail: `${setters.text} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}`,
    }
  },
}

export const isBadSeccomp = (type: unknown): boolean =>
  type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost'

const seccompProfile: Check = {
  id: 'seccompProfile_baseline',
  since: 19,
  check: (pod) => {
    const setters = badSetters(pod, ['seccompProfile', 'type'], isBadSeccomp)
    if (!setters) return undefined
    return {
      reason: 'seccompProfile',
      detail: `${setters.text} must not set securityContext.seccompProfile.type to ${quoted(setters.values)}`,
    }
  },
}

/** By the version that allows them first. */
const allowedSysctls: readonly (readonly [since: number, names: readonly string[]])[] = [
  [
    0,
    [
      ...['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies'],
      ...['net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start'],
    ],
  ],
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [
    29,
    [
      ...['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout'],
      ...['net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes'],
    ],
  ],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
]

const sysctls: Check = {
  id: 'sysctls',
  since: 0,
  check: ({ spec }, minor) => {
    const allowed = allowedSysctls.filter(([since]) => minor >= since).flatMap(([, names]) => names)
    const bad = listAt(spec, 'securityContext', 'sysctls')
      .map(({ name }) => String(name))
      .filter((name) => !allowed.includes(name))
    return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') }
  },
}

const windowsHostProcess: Check = {
  id: 'windowsHostProcess',
  since: 0,
  check: (pod) => {
    const setters = badSetters(pod, ['windowsOptions', 'hostProcess'], (value) => value === true)
    if (!setters) return undefined
    return {
      reason: 'hostProcess',
      detail: `${setters.text} must not set securityContext.windowsOptions.hostProcess=true`,
    }
  },
}

export const baselineChecks: readonly Check[] = [
  ...[appArmorProfile, capabilities, hostNamespaces, hostPathVolumes, hostPorts, privileged, procMount],
  ...[seLinuxOptions, seccompProfile, sysctls, windowsHostProcess],
]
