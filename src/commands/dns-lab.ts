/** Asking on a node of a lab, whose DNS the machine outside does not reach. */
import { readFile } from 'node:fs/promises'
import { apiPort, controlHost } from '../lab/plan.ts'
import { sendOrder } from '../lab/rpc.ts'
import type { DnsPlaceOptions } from './dns.ts'
import { runningLab } from './lab-common.ts'
import { labExec } from './lab-exec.ts'
import { podwayWords } from './self.ts'

/** Our own input is a socket, which /dev/stdin cannot open: that of the command is a pipe. */
const piped = ['sh', '-c', 'cat | "$@"', 'podway'] as const

/** The same command, on the node; `input` is what it finds in /dev/stdin. */
export const dnsInLab = (
  lab: string,
  { node, server, output }: DnsPlaceOptions & { readonly output?: string },
  words: readonly string[],
  input?: string,
): Promise<void> => {
  const format = output === undefined ? [] : ['--output', output]
  const command = [...podwayWords(), 'dns', ...words, '--server', server, ...format]
  return input === undefined
    ? labExec(node, command, { name: lab })
    : labExec(node, [...piped, ...command], { name: lab, input })
}

/** The administrator's kubeconfig as it is of use inside the lab: there the control plane has its own address. */
export const labKubeconfig = async (lab: string): Promise<string> => {
  const { paths } = await runningLab(lab)
  const { hosts } = await sendOrder(paths.command, { do: 'status' })
  const control = hosts.find(({ name }) => name === controlHost)
  if (!control) throw new Error(`lab ${lab} has no host ${controlHost}`)
  const text = await readFile(paths.kubeconfig, 'utf8')
  return text.replaceAll(/https:\/\/127\.0\.0\.1:\d+/g, `https://${control.address}:${apiPort}`)
}
