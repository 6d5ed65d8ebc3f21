/** Parsers of option values; commander reports what they throw as wrong use. */
import { InvalidArgumentError } from 'commander'

const wholeNumber =
  (what: string, least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`expected ${what}: a whole number from ${least} to ${most}.`)
    return value
  }

export const portOption = wholeNumber('a port', 0, 65_535)
export const countOption = (what: string, least: number, most: number) => wholeNumber(what, least, most)

export const secondsOption = (text: string): number => {
  const value = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('expected seconds, such as 3 or 0.5.')
  return value
}

export const shareOption = (text: string): number => {
  const value = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || value > 1)
    throw new InvalidArgumentError('expected a share from 0 to 1, such as 0.01.')
  return value
}

const units: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 }

/** `24h`, `1h30m`, `7d`, `500ms`, `0`; in seconds. */
export const durationOption = (text: string): number => {
  const parts = [...text.matchAll(/(\d+)(ms|[smhd])/g)]
  if (text !== '0' && (parts.length === 0 || parts.map(([part]) => part).join('') !== text))
    throw new InvalidArgumentError('expected a duration, such as 30m, 24h or 7d.')
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? 0), 0)
}

export const flagOption = (text: string): boolean => {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('expected true or false.')
  return text === 'true'
}

/** For options that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]
