/** Where a webhook is, and how it wants to be asked: what is wrong with that. */

import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import { checkSubdomain } from '../../../api/names.ts'
import type { ServiceReference, WebhookClientConfig } from '../../../api/types/kubernetes/admissionregistration-v1.ts'
import { checkLabel1035, ifWrong, portRange } from '../names.ts'
import { repeatedAt } from '../repeated.ts'

/** The versions of reviews that this server speaks. */
const reviewVersions: readonly string[] = ['v1', 'v1beta1']

/** The one in which to ask who accepts these. */
export const reviewVersionOf = (accepted: readonly string[]): string | undefined =>
  accepted.find((version) => reviewVersions.includes(version))

const form = '; desired format: https://host[/path]'

const validateUrl = (text: string, field: string): FieldError[] => {
  const url = /^[\x21-\x7e]+$/.test(text) ? URL.parse(text) : null
  if (!url) return [required(field, `url must be a valid URL${form}`)]
  const user = [url.username, url.password].filter(Boolean).join(':')
  return [
    ...(url.protocol === 'https:'
      ? []
      : [invalidValue(field, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`)]),
    ...(url.host === '' ? [invalidValue(field, '', `host must be provided${form}`)] : []),
    ...(user === '' ? [] : [invalidValue(field, user, 'user information is not permitted in the URL')]),
    ...(text.includes('#') ? [invalidValue(field, url.hash.slice(1), 'fragments are not permitted in the URL')] : []),
    ...(text.includes('?')
      ? [invalidValue(field, url.search.slice(1), 'query parameters are not permitted in the URL')]
      : []),
  ]
}

const validatePath = (path: string, field: string): FieldError[] => {
  if (path === '' || path === '/') return []
  const wrong = (why: string) => invalidValue(field, path, why)
  if (path === '//') return [wrong('segment[0] may not be empty')]
  const steps = path.slice(1).replace(/\/$/, '').split('/')
  return [
    ...(path.startsWith('/') ? [] : [wrong("must start with a '/'")]),
    ...steps.flatMap((step, at) => {
      if (step === '') return [wrong(`segment[${at}] may not be empty`)]
      const message = checkSubdomain(step)
      return message === undefined ? [] : [wrong(`segment[${at}]: ${message}`)]
    }),
  ]
}

const validateService = ({ name, namespace, path = '', port = 443 }: ServiceReference, field: string): FieldError[] => [
  ...(name ? [] : [required(`${field}.name`, 'service name is required')]),
  ...(namespace ? [] : [required(`${field}.namespace`, 'service namespace is required')]),
  ...validatePath(path, `${field}.path`),
  ...(port === 0 ? [invalidValue(`${field}.port`, port, `port is not valid: ${portRange}`)] : []),
]

export const validateClient = ({ url, service }: WebhookClientConfig, field: string): FieldError[] => {
  if ((url === undefined) === (service === undefined))
    return [required(field, 'exactly one of url or service is required')]
  if (url !== undefined) return validateUrl(url, `${field}.url`)
  return service ? validateService(service, `${field}.service`) : []
}

export const validateReviewVersions = (versions: readonly string[], field: string): FieldError[] => {
  if (versions.length === 0) return [required(field, `must specify one of ${reviewVersions.join(', ')}`)]
  return [
    ...repeatedAt(versions).map((at) => invalidValue(`${field}[${at}]`, versions[at], 'duplicate version')),
    ...versions.flatMap((version, at) => ifWrong(checkLabel1035(version), `${field}[${at}]`, version)),
    ...(versions.some((version) => reviewVersions.includes(version))
      ? []
      : [invalidValue(field, versions, `must include at least one of ${reviewVersions.join(', ')}`)]),
  ]
}
