/** Signals as images name them. Pure. */
import { constants } from 'node:os'

/** Of glibc and musl alike, as the field counts them. */
const firstRealtime = 34
const lastRealtime = 64

/** `SIGQUIT`, `QUIT`, `3` and `SIGRTMIN+3`; whatever else is written is TERM, as other runtimes have it. */
export const signalNumber = (text: string): number => {
  const name = text
    .trim()
    .toUpperCase()
    .replace(/^(?!SIG)(?=[A-Z])/, 'SIG')
  if (/^\d+$/.test(name)) {
    const number = Number(name)
    return number >= 1 && number <= lastRealtime ? number : constants.signals.SIGTERM
  }
  const [, base, sign, offset = '0'] = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name) ?? []
  if (base !== undefined) {
    const number = (base === 'MIN' ? firstRealtime : lastRealtime) + (sign === '-' ? -1 : 1) * Number(offset)
    return number >= firstRealtime && number <= lastRealtime ? number : constants.signals.SIGTERM
  }
  const known: Readonly<Record<string, number>> = constants.signals
  return (Object.hasOwn(known, name) ? known[name] : undefined) ?? constants.signals.SIGTERM
}
