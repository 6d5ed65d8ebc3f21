/** What runtimes leave on a node, or do not: processes, control groups, the last state of a container. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Runtime } from '../../src/agent/runtime/runtime.ts'
import { type Cgroups, openCgroups } from '../../src/host/cgroup.ts'

/** Whether we are root of the machine, and not of a user namespace with one user. */
export const isRealRoot = /^\s*0\s+0\s+4294967295$/m.test(readFileSync('/proc/self/uid_map', 'utf8'))

/** Of all processes, with a space between the words; empty for one that has just gone. */
export const commandLines = (): readonly string[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    })

/** Control groups for one test; missing where we may not make any. */
export const cgroupsFor = async (
  t: Test,
): Promise<{ readonly parent: string; readonly cgroups: Cgroups | undefined }> => {
  const parent = `podway-test-${process.pid}-${Math.random().toString(36).slice(2)}`
  const cgroups = await openCgroups({ parent }).catch(() => undefined)
  t.teardown(() => cgroups?.close())
  return { parent, cgroups }
}

/** Control groups below the one of a runtime, in all hierarchies. */
export const leftGroups = (parent: string): readonly string[] =>
  readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, name = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
      const folder = join('/sys/fs/cgroup', name.replace(/^name=/, '') || 'unified', path, parent)
      if (!existsSync(folder)) return []
      return readdirSync(folder, { withFileTypes: true }).flatMap((each) =>
        each.isDirectory() ? [join(folder, each.name)] : [],
      )
    })

/** How a container has ended; undefined while it runs. */
export const exitOf = async (runtime: Runtime, id: string) =>
  (await runtime.sandboxes.list()).flatMap(({ containers }) => containers).find((each) => each.id === id)?.exit
