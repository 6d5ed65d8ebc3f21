/** How the kinds of the Gateway API name other objects. Pure. */
import { gatewayGroup } from '../../../proxy/ingress/gateway/model.ts'
import { object, rule, type Schema } from './schema.ts'
import { group, kindName, namespaceName, objectName, port, sectionName } from './texts.ts'

const emptyIsCore = 'The group of the object. Empty: the core group.'
const ofObject = 'The kind of the object.'
const nameOfObject = 'The name of the object.'

/** An object of the same namespace; nothing of its kind is taken for granted. */
export const localReference = (description: string): Schema =>
  object(description, { group: group(emptyIsCore), kind: kindName(ofObject), name: objectName(nameOfObject) }, [
    ...(['group', 'kind', 'name'] as const),
  ])

/** As before, of any namespace. */
export const reference = (description: string, ofNamespace: string): Schema =>
  object(
    description,
    {
      group: group(emptyIsCore),
      kind: kindName(ofObject),
      name: objectName(nameOfObject),
      namespace: namespaceName(ofNamespace),
    },
    ['group', 'kind', 'name'],
  )

export const mustBeGranted = 'The namespace of the object. Missing: the same one. Another one must grant it.'

/** A Secret, where nothing else is said. */
export const secretReference = (description: string): Schema =>
  object(
    description,
    {
      group: group('The group of the object. Default: the core group.', ''),
      kind: kindName('The kind of the object. Default: Secret.', 'Secret'),
      name: objectName(nameOfObject),
      namespace: namespaceName(mustBeGranted),
    },
    ['name'],
  )

const backendFields = {
  group: group('The group of the backend. Default: the core group.', ''),
  kind: kindName('The kind of the backend. Default: Service.', 'Service'),
  name: objectName('The name of the backend.'),
  namespace: namespaceName('The namespace of the backend. Missing: the same one. Another one must grant it.'),
  port: port('The port of the Service.'),
}

const servicesNeedPorts = rule(
  'port is required when the backend is a Service',
  "!(self.group == '' && self.kind == 'Service') || has(self.port)",
)

/** A Service, where nothing else is said. `more`: fields beside those of the reference. */
export const backendReference = (description: string, more: Readonly<Record<string, Schema>> = {}): Schema =>
  object(description, { ...backendFields, ...more }, ['name'], [servicesNeedPorts])

/** A Gateway, where nothing else is said. */
export const parentReference = (description: string): Schema =>
  object(
    description,
    {
      group: group(`The group of the parent. Default: ${gatewayGroup}.`, gatewayGroup),
      kind: kindName('The kind of the parent. Default: Gateway.', 'Gateway'),
      name: objectName('The name of the parent.'),
      namespace: namespaceName('The namespace of the parent. Missing: that of the object that names it.'),
      port: port('The port of the listeners. Missing: any.'),
      sectionName: sectionName('The name of the listener. Missing: all that allow it.'),
    },
    ['name'],
  )

/** In a rule: a text that may be missing. */
const textOf = (field: string): string => `(has(${field}) ? ${field} : '')`

const sameFields = (fields: readonly string[]): string => fields.map((field) => `a.${field} == b.${field}`).join(' && ')

/**
 * The rules of a list of references that name sections: either all of one object name different sections, or there is one.
 * `optional`: a field by which objects are told apart, too.
 */
export const distinctSections = (what: string, optional?: string) => {
  const other = optional === undefined ? '' : ` && ${textOf(`a.${optional}`)} == ${textOf(`b.${optional}`)}`
  const isSame = `${sameFields(['group', 'kind', 'name'])}${other}`
  return [
    rule(
      `sectionName must be given for each of several ${what} to one object`,
      `self.all(a, self.all(b, !(${isSame}) || has(a.sectionName) == has(b.sectionName)))`,
    ),
    rule(
      `sectionName must be another one for each of several ${what} to one object`,
      `self.all(a, self.exists_one(b, ${isSame} && ${textOf('a.sectionName')} == ${textOf('b.sectionName')}))`,
    ),
  ]
}
