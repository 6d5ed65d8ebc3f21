/** What network interfaces have carried: the text of /proc/PID/net/dev, which is that of the process's network namespace. */
import { readKernelFile } from './kernel-files.ts'
import type { InterfaceCounters } from './usage.ts'

/** All but loopback, in the kernel's order. */
export const parseNetDev = (text: string): readonly InterfaceCounters[] =>
  text.split('\n').flatMap((line) => {
    const [, name = '', rest = ''] = /^\s*(\S+):\s*(.*)$/.exec(line) ?? []
    const numbers = rest.trim().split(/\s+/).map(Number)
    if (name === '' || name === 'lo' || numbers.length < 16 || numbers.some(Number.isNaN)) return []
    const [rxBytes = 0, rxPackets = 0, rxErrors = 0, rxDropped = 0] = numbers
    const [txBytes = 0, txPackets = 0, txErrors = 0, txDropped = 0] = numbers.slice(8)
    return [{ name, rxBytes, rxPackets, rxErrors, rxDropped, txBytes, txPackets, txErrors, txDropped }]
  })

/** Of a process's network namespace. None when the process has gone. */
export const readNetwork = (pid: number | 'self'): readonly InterfaceCounters[] =>
  parseNetDev(readKernelFile(`/proc/${pid}/net/dev`) ?? '')
