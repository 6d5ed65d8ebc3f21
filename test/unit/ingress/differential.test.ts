/**
 * Our reading of mutated requests against Node's own parser (llhttp, strict). Whatever we accept it must accept too, and
 * read the same: method, target, fields, and where the body and the message end. What it accepts and we refuse is fine.
 */
import { METHODS } from 'node:http'
import t from 'tap'
import { createBodyReader } from '../../../src/proxy/ingress/http/body.ts'
import { emptyLineLength, headLength } from '../../../src/proxy/ingress/http/head-end.ts'
import { defaultLimits } from '../../../src/proxy/ingress/http/limits.ts'
import { isRefusal } from '../../../src/proxy/ingress/http/refusal.ts'
import { parseRequestHead } from '../../../src/proxy/ingress/http/request-head.ts'
import { checkRequestTrailer } from '../../../src/proxy/ingress/http/request-text.ts'
import { mutatedRequest } from '../../support/http-mutations.ts'
import { readWithLlhttp, type SecondOpinion } from '../../support/llhttp.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const count = Number(process.env['PODWAY_FUZZ_HEADS'] ?? 20_000)
const seed = Number(process.env['PODWAY_FUZZ_SEED'] ?? 1)
const batch = 500

interface Reading extends SecondOpinion {
  /** Whether more may follow on this connection that both sides read. */
  readonly goesOn: boolean
  readonly rest: Buffer
}

const bodyOptions = { decode: true, maxTrailerBytes: defaultLimits.trailerBytes, checkTrailer: checkRequestTrailer }

/** The first request in the bytes, as the relay reads it; undefined when there is none in full. Throws `Refusal`. */
const readOne = (received: Buffer): Reading | undefined => {
  const bytes = received.subarray(emptyLineLength(received))
  const length = headLength(bytes, 0, defaultLimits.headBytes)
  if (length === 0) return undefined
  const head = parseRequestHead(bytes.toString('latin1', 0, length), defaultLimits)
  const reader = createBodyReader(head.body, bodyOptions)
  let body = ''
  const afterHead = bytes.subarray(length)
  const taken = reader.read(afterHead, (piece) => {
    body += piece.toString('latin1')
  })
  return {
    method: head.method,
    target: head.target,
    fields: head.fields.flatMap(({ name, value }) => [name, value]),
    body,
    complete: reader.done,
    // Where another protocol may begin, Node stops reading, whether we would offer it or not.
    goesOn: reader.done && head.keepAlive && !head.fields.some(({ key }) => key === 'upgrade'),
    rest: afterHead.subarray(taken),
  }
}

/** All requests up to the first refusal. */
const readAll = (text: string): readonly Reading[] => {
  const readings: Reading[] = []
  try {
    let rest = Buffer.from(text, 'latin1')
    for (let reading = readOne(rest); reading; reading = reading.goesOn ? readOne(rest) : undefined) {
      readings.push(reading)
      rest = Buffer.from(reading.rest)
    }
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

const difference = (ours: Reading, theirs: SecondOpinion | undefined): string | undefined => {
  if (theirs === undefined) return 'refused by llhttp'
  if (ours.method !== theirs.method) return `method ${theirs.method}`
  if (ours.target !== originForm(theirs.target)) return `target ${theirs.target}`
  const fields = theirs.fields.map((text) => text.replace(/[ \t]+$/, ''))
  if (JSON.stringify(ours.fields) !== JSON.stringify(fields)) return `fields ${JSON.stringify(fields)}`
  if (ours.fields.some((text) => text.toLowerCase() === 'upgrade')) return undefined
  if (ours.body !== theirs.body) return `body ${JSON.stringify(theirs.body)}`
  return ours.complete && !theirs.complete ? 'body not complete' : undefined
}

/** Any token of capitals is a method to us; llhttp knows a list. */
const known: ReadonlySet<string> = new Set(METHODS)

t.test(`${count} mutated requests (PODWAY_FUZZ_HEADS, seed PODWAY_FUZZ_SEED=${seed})`, async (t) => {
  const random = createSeededRandom(seed)
  let compared = 0
  let refused = 0
  for (let done = 0; done < count; done += batch) {
    const texts = Array.from({ length: Math.min(batch, count - done) }, () => mutatedRequest(random))
    const opinions = await readWithLlhttp(texts)
    texts.forEach((text, at) => {
      const readings = readAll(text)
      if (readings.length === 0) refused++
      readings.every((ours, nth) => {
        if (!known.has(ours.method)) return false
        compared++
        const found = difference(ours, opinions[at]?.[nth])
        if (found !== undefined) t.fail(`${JSON.stringify(text)}: request ${nth + 1} of ours: ${found}`)
        return true
      })
    })
  }
  t.ok(compared > count / 4, `${compared} requests were read by both and compared`)
  t.ok(refused > count / 10, `${refused} texts were refused at once`)
})
