import { isJsonObject } from '../../../api/json.ts'
import type {
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from '../../../api/types/kubernetes/apiextensions-v1.ts'
import { createdColumn, nameColumn } from '../columns.ts'
import { define, withMetadata } from '../definition.ts'
import { subdomainName } from '../names.ts'
import { wholeSchema } from './schema-props.ts'
import { v1beta1 } from './v1beta1.ts'
import { isFreeForm, validate, validateCreate, validateUpdate } from './validation.ts'

/** Keeps a definition until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

const withWholeSchema = (version: CustomResourceDefinitionVersion): CustomResourceDefinitionVersion => {
  const schema: unknown = version.schema?.openAPIV3Schema
  return isJsonObject(schema) ? { ...version, schema: { openAPIV3Schema: wholeSchema(schema) } } : version
}

const conversionWithDefaults = (conversion: CustomResourceConversion): CustomResourceConversion => {
  const { webhook } = conversion
  const service = webhook?.clientConfig?.service
  return webhook && service
    ? {
        ...conversion,
        webhook: { ...webhook, clientConfig: { ...webhook.clientConfig, service: { port: 443, ...service } } },
      }
    : conversion
}

const withDefaults = (spec: CustomResourceDefinitionSpec): CustomResourceDefinitionSpec => ({
  ...spec,
  names: {
    ...spec.names,
    singular: spec.names.singular || spec.names.kind.toLowerCase(),
    listKind: spec.names.listKind || (spec.names.kind === '' ? '' : `${spec.names.kind}List`),
  },
  versions: spec.versions.map(withWholeSchema),
  conversion: conversionWithDefaults(spec.conversion ?? { strategy: 'None' }),
})

const storageVersionOf = ({ versions }: CustomResourceDefinitionSpec): string | undefined =>
  versions.find(({ storage }) => storage)?.name

/** Objects may be kept in every version that was the one to keep them in. */
const withStoredVersion = (definition: CustomResourceDefinition): CustomResourceDefinition => {
  const { spec, status } = definition
  const version = storageVersionOf(spec)
  if (version === undefined || status.storedVersions.includes(version)) return definition
  return { ...definition, status: { ...status, storedVersions: [...status.storedVersions, version] } }
}

const noStatus = { conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: [] }

export const customResourceDefinition = define<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  otherVersions: [{ version: 'v1beta1', convert: v1beta1, validateCreate: () => [] }],
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  kind: 'CustomResourceDefinition',
  namespaced: false,
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  nameRule: subdomainName,
  status: 'separate',
  updateNeedsVersion: true,
  generation: true,
  columns: [nameColumn, createdColumn],
  defaults: (definition) => ({ ...definition, spec: withDefaults(definition.spec) }),
  onCreate: (definition) => withStoredVersion({ ...definition, status: noStatus }),
  adopt: (definition) => withStoredVersion(definition),
  onDeletion: (definition) =>
    withMetadata(definition, {
      finalizers: [
        ...(definition.metadata.finalizers ?? []).filter((each) => each !== cleanupFinalizer),
        cleanupFinalizer,
      ],
    }),
  validate,
  validateCreate,
  validateUpdate,
  warnings: ({ spec }) =>
    isFreeForm(spec) ? ['spec.preserveUnknownFields is true: no field of its objects is pruned or defaulted'] : [],
})
