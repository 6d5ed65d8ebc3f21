/** `format.dns1123Label().validate("…")`: the forms of names that Kubernetes knows. */

import { type Environment, Optional } from '@marcbachmann/cel-js'
import { parseTime } from '../../../api/clock.ts'
import { type CheckText, checkLabelValue, checkQualifiedName, checkSubdomain } from '../../../api/names.ts'
import { checkLabel, checkLabel1035 } from '../../resources/names.ts'

class Format {
  readonly check: CheckText

  constructor(check: CheckText) {
    this.check = check
  }
}

const when =
  (isGood: (text: string) => boolean, message: string): CheckText =>
  (text) =>
    isGood(text) ? undefined : message

/** What stands before the characters that make a name of it. */
const prefix =
  (check: CheckText): CheckText =>
  (text) =>
    check(text.replace(/-$/, 'a'))

const formats: Readonly<Record<string, CheckText>> = {
  dns1123Label: checkLabel,
  dns1123Subdomain: checkSubdomain,
  dns1035Label: checkLabel1035,
  dns1123LabelPrefix: prefix(checkLabel),
  dns1123SubdomainPrefix: prefix(checkSubdomain),
  dns1035LabelPrefix: prefix(checkLabel1035),
  qualifiedName: checkQualifiedName,
  labelValue: checkLabelValue,
  uri: when((text) => URL.canParse(text), 'invalid URI'),
  uuid: when((text) => /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(text), 'does not match the UUID format'),
  byte: when((text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text), 'invalid base64'),
  date: when((text) => /^\d{4}-\d\d-\d\d$/.test(text) && parseTime(`${text}T00:00:00Z`) !== undefined, 'invalid date'),
  datetime: when((text) => parseTime(text) !== undefined, 'invalid datetime'),
}

class Formats {}

const namespace = 'k8s.Formats'
const type = 'kubernetes.NamedFormat'

export const addFormats = (env: Environment): Environment => {
  const named = env
    .registerType(type, { ctor: Format, fields: {} })
    .registerType(namespace, { ctor: Formats, fields: {} })
    .registerConstant('format', namespace, new Formats())
    .registerFunction(`${type}.validate(string): optional<list<string>>`, ({ check }: Format, text: string) => {
      const message = check(text)
      return message === undefined ? Optional.none() : Optional.of([message])
    })
    // What may be missing is something, and never null.
    .registerOperator('optional<list<string>> == null', () => false)
    .registerFunction(`${namespace}.named(string): optional<${type}>`, (_: Formats, name: string) => {
      const check = Object.hasOwn(formats, name) ? formats[name] : undefined
      return check ? Optional.of(new Format(check)) : Optional.none()
    })
  return Object.entries(formats).reduce(
    (all, [name, check]) => all.registerFunction(`${namespace}.${name}(): ${type}`, () => new Format(check)),
    named,
  )
}
