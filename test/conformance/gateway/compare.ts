/** Whether an answer is the one that a row of the suite's tables wants. */
import { type Fields, isFields } from './go/run.ts'
import type { Answered, Asked } from './round-trip.ts'

export const fieldsAt = (of: unknown, name: string): Fields => {
  const found = isFields(of) ? of[name] : undefined
  return isFields(found) ? found : {}
}

export const textAt = (of: Fields, name: string): string =>
  of[name] === undefined || of[name] === null ? '' : String(of[name])

export const listAt = (of: Fields, name: string): readonly unknown[] => {
  const found = of[name]
  return Array.isArray(found) ? found : []
}

const textsOf = (of: Fields): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name.toLowerCase(), String(value)]))

const lower = (of: Fields): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(of).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(',') : String(value),
    ]),
  )

const statusesOf = (response: Fields): readonly number[] => {
  const one = Number(response['StatusCode'] ?? 0)
  const all = [...listAt(response, 'StatusCodes').map(Number), ...(one === 0 ? [] : [one])]
  return all.length === 0 ? [200] : all
}

const differences = (
  what: string,
  wanted: Fields,
  given: Readonly<Record<string, string>>,
  strip: boolean,
): readonly string[] =>
  Object.entries(wanted).flatMap(([name, value]) => {
    const text = (found: string): string => (strip ? found.replaceAll(' ', '') : found)
    const found = given[name.toLowerCase()]
    const allowed = (Array.isArray(value) ? value : [value]).map((each) => text(String(each)))
    return found !== undefined && allowed.includes(text(found))
      ? []
      : [`${what} ${name}: ${found}, not ${allowed.join(' or ')}`]
  })

const present = (what: string, names: readonly unknown[], given: Readonly<Record<string, string>>): readonly string[] =>
  names.flatMap((name) => (given[String(name).toLowerCase()] === undefined ? [] : [`${what} ${name} is there`]))

const differ = (what: string, given: string, wanted: string): readonly string[] =>
  given === wanted ? [] : [`${what}: ${JSON.stringify(given)}, not ${JSON.stringify(wanted)}`]

const ofBackend = (row: Fields, { request, headers }: Answered): readonly string[] => {
  const wanted = isFields(row['ExpectedRequest']) ? row['ExpectedRequest'] : { Request: row['Request'] }
  const inner = fieldsAt(wanted, 'Request')
  const response = fieldsAt(row, 'Response')
  const [asked, answered] = [lower(fieldsAt(request, 'headers')), lower(headers)]
  const host = textAt(inner, 'Host')
  return [
    ...(host === '' ? [] : differ('host', textAt(request, 'host'), host)),
    ...differ('path', textAt(request, 'path'), textAt(inner, 'Path')),
    // A preflight is answered by nobody behind the Gateway.
    ...(request['method'] === undefined
      ? []
      : differ('method', textAt(request, 'method'), textAt(inner, 'Method') || 'GET')),
    ...differ('namespace', textAt(request, 'namespace'), textAt(row, 'Namespace')),
    ...differences('request field', textsOf(fieldsAt(inner, 'Headers')), asked, false),
    ...present('request field', listAt(wanted, 'AbsentHeaders'), asked),
    ...differences('field', fieldsAt(response, 'Headers'), answered, response['IgnoreWhitespace'] === true),
    ...differences('field', fieldsAt(response, 'ValidHeaderValues'), answered, response['IgnoreWhitespace'] === true),
    ...present('field', listAt(response, 'AbsentHeaders'), answered),
    ...(textAt(request, 'pod').startsWith(textAt(row, 'Backend')) ? [] : [`backend ${textAt(request, 'pod')}`]),
  ]
}

const usual: Readonly<Record<string, string>> = { http: '80', https: '443' }

const ofRedirect = (row: Fields, asked: Asked, { redirect = {} }: Answered): readonly string[] => {
  if (!isFields(row['RedirectRequest'])) return []
  const wanted = row['RedirectRequest']
  const scheme = textAt(wanted, 'Scheme') || asked.scheme
  const [given, port] = [textAt(redirect, 'Port'), textAt(wanted, 'Port')]
  const host = textAt(wanted, 'Host')
  return [
    ...(host === '' ? [] : differ('host', textAt(redirect, 'Host'), host)),
    ...differ('scheme', textAt(redirect, 'Scheme'), scheme),
    ...(port === '' ? (given === '' || given === usual[scheme] ? [] : [`port ${given}`]) : differ('port', given, port)),
    ...differ('path', textAt(redirect, 'Path'), textAt(wanted, 'Path') || asked.path.split('?')[0] || '/'),
  ]
}

/** What is not as it should be. */
export const wrongIn = (row: Fields, asked: Asked, answer: Answered): readonly string[] => {
  const statuses = statusesOf(fieldsAt(row, 'Response'))
  if ([408, 504].includes(answer.status) && statuses.some((each) => [408, 504].includes(each))) return []
  if (!statuses.includes(answer.status)) return [`status ${answer.status}, not ${statuses.join(' or ')}`]
  if (answer.status === 200 || answer.status === 204) return ofBackend(row, answer)
  return answer.status >= 300 && answer.status < 400 ? ofRedirect(row, asked, answer) : []
}
