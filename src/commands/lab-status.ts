import { existsSync } from 'node:fs'
import { print } from '../host/terminal.ts'
import { outerPids } from '../lab/enter.ts'
import { checkLab } from '../lab/health.ts'
import { askLab } from '../lab/lifecycle.ts'
import { readLab } from '../lab/state.ts'
import { pathsOf } from './lab-common.ts'
import { checkOutput, printJson } from './output.ts'
import { renderTable } from './table.ts'

interface StatusOptions {
  readonly name: string
  readonly output?: string
}

/** All pids are the machine's own. A lab that is up but not whole is "degraded", and says what it waits for. */
export const labStatus = async ({ name, output }: StatusOptions): Promise<void> => {
  checkOutput(output)
  const paths = pathsOf(name)
  const record = await readLab(paths)
  if (!record) {
    const remains = existsSync(paths.folder)
    if (output === 'json') printJson({ name, state: 'down', remains })
    else print(`lab ${name} is down${remains ? `; podway lab down --name ${name} removes what is left of it` : ''}`)
    return
  }
  const report = await askLab(paths)
  const waiting = await checkLab(name, report, paths)
  const phase = report?.phase ?? 'starting'
  const pids = record.universe ? await outerPids(record.universe.pid) : new Map<number, number>()
  const outer = (pid: number | undefined) => (pid === undefined ? undefined : pids.get(pid))
  const hosts = (report?.hosts ?? []).map(({ pid, daemon, ...host }) => ({
    ...host,
    pid: outer(pid),
    ...(daemon ? { daemon: { ...daemon, pid: outer(daemon.pid) } } : {}),
  }))
  const status = {
    name,
    state: phase === 'running' && waiting.length > 0 ? 'degraded' : phase,
    waiting,
    rootless: record.rootless,
    kubeconfig: record.kubeconfig,
    logs: paths.logs,
    pid: record.universe?.pid,
    keeper: record.keeper.pid,
    published: record.published,
    hosts,
  }
  if (output === 'json') return printJson(status)
  print(`lab ${name} is ${status.state}${record.rootless ? ' (rootless)' : ''}, pid ${status.pid}`)
  print(`kubeconfig ${status.kubeconfig}\nlogs       ${status.logs}`)
  for (const { port, host, to } of record.published) print(`published  127.0.0.1:${port} -> ${host}:${to}`)
  for (const each of waiting) print(`waiting    ${each}`)
  print('')
  print(
    renderTable(
      ['HOST', 'ROLE', 'ADDRESS', 'STATE', 'PID', 'DAEMON', 'STATE', 'PID'],
      hosts.map(({ name: host, role, address, state, pid, daemon }) => [
        ...[host, role, address, state, String(pid ?? '')],
        ...(daemon ? [daemon.name, daemon.state, String(daemon.pid ?? '')] : []),
      ]),
    ),
  )
}
