/** Load generators, and what they say. Every one of them is bounded, and fails when an answer was wrong. */
import type { Lab } from './lab.ts'
import { hostOf } from './proxies.ts'

export interface Load {
  readonly perSecond: number
  readonly p99Ms: number
}

const asMs: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 }

/** One thread, 32 connections. */
export const wrk = async (lab: Lab, port: number, seconds: number): Promise<Load> => {
  const host = `Host: ${hostOf(250)}`
  const url = `http://127.0.0.1:${port}/`
  const text = await lab.run(['wrk', '-t1', '-c32', `-d${seconds}s`, '--latency', '-H', host, url])
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(`wrong answers:\n${text}`)
  const [, time, unit = ''] = /99%\s+([\d.]+)(us|ms|s)\b/.exec(text) ?? []
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]), p99Ms: Number(time) * (asMs[unit] ?? NaN) }
}

interface H2LoadOptions {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  readonly seconds: number
  readonly words: readonly string[]
}

/** What it says at its end. */
export const h2load = (lab: Lab, { scheme, host, port, seconds, words }: H2LoadOptions): Promise<string> =>
  lab.run(['h2load', ...words, '-D', String(seconds), `--connect-to=127.0.0.1:${port}`, `${scheme}://${host}/`])

/** Requests a second of 32 clients over TLS. */
export const secureRate = async (
  lab: Lab,
  port: number,
  seconds: number,
  words: readonly string[],
): Promise<number> => {
  const host = hostOf(250)
  const text = await h2load(lab, { scheme: 'https', host, port, seconds, words: ['-t1', '-c32', ...words] })
  if (failuresOf(text) > 0) throw new Error(`wrong answers:\n${text}`)
  return Number(/finished in .*, ([\d.]+) req\/s/.exec(text)?.[1])
}

/** Requests that were begun and got no answer, or a wrong one. */
export const failuresOf = (text: string): number => {
  const [, failed, errored, timeout] = /(\d+) failed, (\d+) errored, (\d+) timeout/.exec(text) ?? []
  const [, wrong3, wrong4, wrong5] = /status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(text) ?? []
  return [failed, errored, timeout, wrong3, wrong4, wrong5].reduce((sum, each) => sum + Number(each), 0)
}

export interface Paced {
  readonly done: number
  readonly errors: number
}

/** A thousand requests a second, from ten clients. */
export const paced = async (lab: Lab, port: number, seconds: number): Promise<Paced> => {
  const words = ['--h1', '-t1', '-c10', '--rps=100']
  const text = await h2load(lab, { scheme: 'http', host: hostOf(0), port, seconds, words })
  return { done: Number(/(\d+) 2xx/.exec(text)?.[1]), errors: failuresOf(text) }
}
