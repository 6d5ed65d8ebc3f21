/**
 * How much one object may be. Everything that a client sends is held against this before it is parsed or kept, so that
 * what follows may walk it as it likes: recursion ends, and work is in proportion to the bytes that were sent.
 */
import { badRequest, tooLarge } from '../../api/errors.ts'

/** Of a request, as in the real server. */
export const bodyLimit = 3 * 1024 * 1024
const depthLimit = 128
/** Fields of objects and items of lists, all together: twice what the largest EndpointSlice has. */
const memberLimit = 25_000

const tooDeep = () => badRequest(`the object nests deeper than ${depthLimit} levels`)
const tooMany = () => tooLarge(`the object has more than ${memberLimit} fields and list items`)

/** Counts fields and items of one object, in whatever form it comes. Throws RequestEntityTooLarge. */
export const createMemberCount = (): (() => void) => {
  let count = 0
  return () => {
    if (++count > memberLimit) throw tooMany()
  }
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]

/** The place behind the string that begins at `start`. */
const skipString = (text: Uint8Array, start: number): number => {
  let at = start + 1
  while (at < text.length && text[at] !== quote) at += text[at] === backslash ? 2 : 1
  return at
}

/**
 * Looks over JSON that is not parsed yet, and tells how many fields its objects have. Throws BadRequest when it nests too
 * deep, RequestEntityTooLarge when it has too many parts. Whether it is JSON at all is the parser's matter.
 */
export const checkJson = (text: Uint8Array): number => {
  const count = createMemberCount()
  let depth = 0
  let fields = 0
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case quote:
        at = skipString(text, at)
        break
      case openBrace:
      case openBracket:
        count()
        if (++depth > depthLimit) throw tooDeep()
        break
      case closeBrace:
      case closeBracket:
        depth--
        break
      case comma:
        count()
        break
      case colon:
        fields++
    }
  }
  return fields
}

/** Holds a value against the same bounds; what occurs twice counts twice. Tells how many fields its objects have. */
export const checkValue = (value: unknown): number => {
  const count = createMemberCount()
  let fields = 0
  const walk = (part: unknown, depth: number): void => {
    if (typeof part !== 'object' || part === null) return
    if (depth > depthLimit) throw tooDeep()
    const isList = Array.isArray(part)
    for (const item of isList ? part : Object.values(part)) {
      count()
      if (!isList) fields++
      if (typeof item === 'object') walk(item, depth + 1)
    }
  }
  walk(value, 1)
  return fields
}
