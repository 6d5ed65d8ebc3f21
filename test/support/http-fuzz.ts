/**
 * Our reading of a text against Node's own parser (llhttp, strict). Whatever we accept it must accept too and read the
 * same, down to the byte at which the message ends; and what we would forward it must read as that one request.
 * What it accepts and we refuse is fine.
 */
import { METHODS } from 'node:http'
import { createBodyReader } from '../../src/proxy/ingress/http/body.ts'
import type { Field } from '../../src/proxy/ingress/http/fields.ts'
import { emptyLineLength, headLength } from '../../src/proxy/ingress/http/head-end.ts'
import { defaultLimits } from '../../src/proxy/ingress/http/limits.ts'
import { isRefusal } from '../../src/proxy/ingress/http/refusal.ts'
import { parseRequestHead, type RequestHead } from '../../src/proxy/ingress/http/request-head.ts'
import { checkRequestTrailer, requestText, type Via, viaFields } from '../../src/proxy/ingress/http/request-text.ts'
import { type LlhttpRequest, readWithLlhttp } from './llhttp.ts'

export type Verdict = 'both' | 'neither' | 'llhttp alone' | 'us alone' | 'differently'

export interface Comparison {
  readonly verdict: Verdict
  /** What is wrong, of the two verdicts that must never be. */
  readonly why?: string
}

interface Reading {
  readonly head: RequestHead
  /** Where its head begins and where the message ends, in bytes. */
  readonly start: number
  readonly end: number
  readonly content: string
  readonly trailers: readonly string[]
  /** The body as it would be forwarded. */
  readonly passed: string
  readonly state: 'complete' | 'incomplete' | 'refused'
}

const flat = (fields: readonly Field[]): readonly string[] => fields.flatMap(({ name, value }) => [name, value])

/** The body as it is passed on, or without its framing. */
const readBody = (head: RequestHead, bytes: Buffer, decode: boolean) => {
  let text = ''
  let trailers: readonly string[] = []
  const reader = createBodyReader(head.body, {
    ...{ decode, maxTrailerBytes: defaultLimits.trailerBytes, checkTrailer: checkRequestTrailer },
    onTrailer: (fields) => {
      trailers = flat(fields)
    },
  })
  const taken = reader.read(bytes, (piece) => {
    text += piece.toString('latin1')
  })
  return { text, trailers, taken, done: reader.done }
}

const none = { text: '', trailers: [], taken: 0, done: true }

/** The request at `from`; undefined when there is no head in full. Throws `Refusal` for a head that is refused. */
const readOne = (all: Buffer, from: number): Reading | undefined => {
  const start = from + emptyLineLength(all.subarray(from))
  const length = headLength(all.subarray(start), 0, defaultLimits.headBytes)
  if (length === 0) return undefined
  const head = parseRequestHead(all.toString('latin1', start, start + length), defaultLimits)
  const bytes = all.subarray(start + length)
  try {
    const decoded = head.body === 0 ? none : readBody(head, bytes, true)
    const passed = head.body === 'chunked' ? readBody(head, bytes, false).text : decoded.text
    const end = start + length + decoded.taken
    const state = decoded.done ? 'complete' : 'incomplete'
    return { head, start, end, content: decoded.text, trailers: decoded.trailers, passed, state }
  } catch (error) {
    if (!isRefusal(error)) throw error
    return { head, start, end: all.length, content: '', trailers: [], passed: '', state: 'refused' }
  }
}

/** Where another protocol may begin Node stops reading, whether we would offer it or not. */
const goesOn = ({ head, state }: Reading): boolean =>
  state === 'complete' && head.keepAlive && !head.fields.some(({ key }) => key === 'upgrade')

const readAll = (all: Buffer): readonly Reading[] => {
  const readings: Reading[] = []
  try {
    for (let reading = readOne(all, 0); reading; reading = goesOn(reading) ? readOne(all, reading.end) : undefined)
      readings.push(reading)
  } catch (error) {
    if (!isRefusal(error)) throw error
  }
  return readings
}

/** We forward an absolute target as a path; Node hands it out as it came. */
const originForm = (target: string): string => {
  const origin = target.replace(/^http:\/\/[^/?]*/i, '')
  return origin.startsWith('/') ? origin : `/${origin}`
}

const same = (ours: readonly string[], theirs: readonly string[]): boolean =>
  ours.length === theirs.length && ours.every((text, at) => text === theirs[at])

const differentHead = ({ head }: Reading, theirs: LlhttpRequest): string | undefined => {
  if (head.method !== theirs.method) return `method ${theirs.method}`
  if (head.target !== originForm(theirs.target)) return `target ${theirs.target}`
  if (head.minor !== theirs.minor) return `version 1.${theirs.minor}`
  if (!same(flat(head.fields), theirs.fields)) return `fields ${JSON.stringify(theirs.fields)}`
  return head.keepAlive === theirs.keepAlive ? undefined : `keep-alive ${theirs.keepAlive}`
}

const differentBody = (ours: Reading, theirs: LlhttpRequest): string | undefined => {
  if (ours.state === 'refused') return undefined
  if (ours.content !== theirs.body) return `body ${JSON.stringify(theirs.body)}`
  if (ours.state === 'incomplete') return theirs.complete ? 'the body is complete' : undefined
  if (!theirs.complete || theirs.end !== ours.end) return `ends at ${theirs.end} and not at ${ours.end}`
  return same(ours.trailers, theirs.trailers) ? undefined : `trailers ${JSON.stringify(theirs.trailers)}`
}

const via: Via = {
  ...{ clientAddress: '10.9.8.7', forwardedFor: '10.9.8.7', scheme: 'http', port: 80, localAuthority: '10.0.0.1' },
}
const viaText = viaFields(via)

/** What a backend would make of the request as we write it. */
const wronglyForwarded = ({ head, content, passed, trailers, state }: Reading): string | undefined => {
  if (state === 'refused') return undefined
  const outgoing = { head, target: head.target, host: head.authority, changes: undefined }
  const bytes = Buffer.from(requestText(outgoing, via, viaText, () => 'id') + passed, 'latin1')
  const { requests, failed } = readWithLlhttp(bytes, [bytes.length - 1])
  const [only] = requests
  const isRight =
    requests.length === 1 &&
    !failed &&
    only?.end === (state === 'complete' ? bytes.length : 0) &&
    only.method === head.method &&
    only.target === head.target &&
    only.body === content &&
    same(trailers, only.trailers)
  return isRight ? undefined : `forwarded as ${JSON.stringify(bytes.toString('latin1'))}`
}

/** Any token of capitals is a method to us; llhttp knows a list. The others are replaced by one that it knows. */
const known: ReadonlySet<string> = new Set(METHODS)

const withKnownMethods = (text: string): { readonly bytes: Buffer; readonly readings: readonly Reading[] } => {
  const bytes = Buffer.from(text, 'latin1')
  const readings = readAll(bytes)
  const strange = readings.find(({ head }) => !known.has(head.method))
  if (strange === undefined) return { bytes, readings }
  const { start, head } = strange
  return withKnownMethods(`${text.slice(0, start)}PUT${text.slice(start + head.method.length)}`)
}

export const compareReadings = (text: string): Comparison => {
  const { bytes, readings } = withKnownMethods(text)
  const cuts = readings.flatMap(({ end, state }) => (state === 'complete' ? [end - 1, end] : []))
  const { requests } = readWithLlhttp(bytes, cuts)
  const [first] = readings
  if (first === undefined) return { verdict: requests.length > 0 ? 'llhttp alone' : 'neither' }
  for (const [at, ours] of readings.entries()) {
    const theirs = requests[at]
    if (theirs === undefined)
      return { verdict: at === 0 ? 'us alone' : 'differently', why: `refused: request ${at + 1}` }
    const why = differentHead(ours, theirs) ?? differentBody(ours, theirs) ?? wronglyForwarded(ours)
    if (why !== undefined) return { verdict: 'differently', why: `request ${at + 1}: ${why}` }
  }
  return { verdict: first.state === 'refused' ? 'llhttp alone' : 'both' }
}

export type Counts = Readonly<Record<Verdict, number>>

export const noCounts: Counts = { both: 0, neither: 0, 'llhttp alone': 0, 'us alone': 0, differently: 0 }

export const addCounts = (a: Counts, b: Counts): Counts => ({
  both: a.both + b.both,
  neither: a.neither + b.neither,
  'llhttp alone': a['llhttp alone'] + b['llhttp alone'],
  'us alone': a['us alone'] + b['us alone'],
  differently: a.differently + b.differently,
})

/** Compares `count` texts of `next`; `onFailure` is told of those that must not be. */
export const compareMany = (
  count: number,
  next: () => string,
  onFailure: (text: string, why: string) => void,
): Counts => {
  const counts = { ...noCounts }
  for (let left = count; left > 0; left--) {
    const text = next()
    const { verdict, why } = compareReadings(text)
    counts[verdict]++
    if (why !== undefined) onFailure(text, why)
  }
  return counts
}

export const summary = (heads: number, counts: Counts): string =>
  `${heads} heads: ${counts.both} accepted by both, ${counts.neither} refused by both, ` +
  `${counts['llhttp alone']} refused by us alone, ${counts['us alone']} accepted by us alone, ` +
  `${counts.differently} read differently`
