/** Bodies as values, by media type. What comes out is within the bounds of `schema/bounds.ts`. */
import { badRequest, unsupportedMediaType } from '../../../api/errors.ts'
import { parseJson } from '../../../api/json.ts'
import { checkJson, checkValue } from '../../schema/bounds.ts'
import { readProtobuf } from '../../schema/protobuf.ts'
import { noteRepeated, repeatedFields } from './repeated.ts'
import { createYamlParser, type ParseYaml } from './yaml.ts'

type Parse = (body: Buffer) => unknown

const parseJsonBody: Parse = (body) => {
  const fields = checkJson(body)
  const text = body.toString('utf8')
  const value = parseJson(text)
  // Of fields with one name the last one stands.
  return checkValue(value) === fields ? value : noteRepeated(value, repeatedFields(text))
}

/** Clients send JSON as YAML, which it is, and reading it as JSON costs a fraction. */
const parseJsonOrYaml =
  (parseYaml: ParseYaml): Parse =>
  (body) => {
    const text = body.toString('utf8')
    if (!text.trimStart().startsWith('{')) return parseYaml(text)
    try {
      return parseJsonBody(body)
    } catch (error) {
      if (error instanceof SyntaxError) return parseYaml(text)
      throw error
    }
  }

export interface BodyParser {
  /** Throws UnsupportedMediaType for a format that nobody reads here. */
  check(contentType: string): void
  /** Undefined for an empty body. Throws BadRequest, RequestEntityTooLarge, UnsupportedMediaType. */
  parse(body: Buffer, contentType: string): Promise<unknown>
}

export const createBodyParser = (): BodyParser => {
  const parseYaml = parseJsonOrYaml(createYamlParser())

  const parserOf = (contentType: string): Parse => {
    if (contentType === 'application/vnd.kubernetes.protobuf') return readProtobuf
    if (contentType === 'application/yaml' || contentType.endsWith('+yaml')) return parseYaml
    if (contentType === '' || contentType === 'application/json' || contentType.endsWith('+json')) return parseJsonBody
    throw unsupportedMediaType(['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'])
  }

  return {
    check: (contentType) => void parserOf(contentType),
    parse: async (body, contentType) => {
      const parse = parserOf(contentType)
      if (body.length === 0) return undefined
      try {
        return await parse(body)
      } catch (error) {
        // A text that is no JSON, a time that is no time. Anything else is a fault of ours.
        if (error instanceof SyntaxError || error instanceof RangeError)
          throw badRequest(`the body could not be parsed: ${error.message}`)
        throw error
      }
    },
  }
}
