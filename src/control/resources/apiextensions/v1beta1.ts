/** CustomResourceDefinitions as v1beta1 writes them: what all versions have in common stands above them. */
import { deepEqual } from '../../../api/deep-equal.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from '../../../api/types/kubernetes/apiextensions-v1.ts'
import type {
  CustomResourceDefinition as BetaDefinition,
  CustomResourceDefinitionSpec as BetaSpec,
  CustomResourceDefinitionVersion as BetaVersion,
} from '../../../api/types/kubernetes/apiextensions-v1beta1.ts'
import { conversion } from '../conversion.ts'
import type { Conversion } from '../definition.ts'

type BetaColumn = NonNullable<BetaSpec['additionalPrinterColumns']>[number]
type BetaConversion = NonNullable<BetaSpec['conversion']>

const columnToStored = ({ JSONPath, ...column }: BetaColumn): CustomResourceColumnDefinition => ({
  ...column,
  jsonPath: JSONPath,
})
const columnFromStored = ({ jsonPath, ...column }: CustomResourceColumnDefinition): BetaColumn => ({
  ...column,
  JSONPath: jsonPath,
})

const conversionToStored = (given: BetaConversion): CustomResourceConversion => {
  const { strategy, webhookClientConfig: clientConfig, conversionReviewVersions = [] } = given
  return strategy === 'Webhook' && clientConfig
    ? {
        strategy,
        webhook: {
          clientConfig,
          conversionReviewVersions: conversionReviewVersions.length > 0 ? conversionReviewVersions : ['v1beta1'],
        },
      }
    : { strategy }
}

const conversionFromStored = ({ strategy, webhook }: CustomResourceConversion): BetaConversion => ({
  strategy,
  ...(webhook?.clientConfig ? { webhookClientConfig: webhook.clientConfig } : {}),
  ...(webhook ? { conversionReviewVersions: webhook.conversionReviewVersions } : {}),
})

const versionToStored = (version: BetaVersion, spec: BetaSpec): CustomResourceDefinitionVersion => {
  const schema = version.schema ?? spec.validation
  const subresources = version.subresources ?? spec.subresources
  const columns = version.additionalPrinterColumns ?? spec.additionalPrinterColumns
  const selectable = version.selectableFields ?? spec.selectableFields
  return {
    name: version.name,
    served: version.served,
    storage: version.storage,
    ...(version.deprecated === undefined ? {} : { deprecated: version.deprecated }),
    ...(version.deprecationWarning === undefined ? {} : { deprecationWarning: version.deprecationWarning }),
    ...(schema ? { schema } : {}),
    ...(subresources ? { subresources } : {}),
    ...(columns ? { additionalPrinterColumns: columns.map(columnToStored) } : {}),
    ...(selectable ? { selectableFields: selectable } : {}),
  }
}

const specToStored = (spec: BetaSpec): CustomResourceDefinitionSpec => {
  const { group, names, scope = '', version = '', versions = [], preserveUnknownFields = true } = spec
  const only: BetaVersion = { name: version, served: true, storage: true }
  return {
    group,
    names,
    scope: scope || 'Namespaced',
    versions: (versions.length > 0 ? versions : [only]).map((each) => versionToStored(each, spec)),
    ...(spec.conversion ? { conversion: conversionToStored(spec.conversion) } : {}),
    ...(preserveUnknownFields ? { preserveUnknownFields } : {}),
  }
}

const versionFromStored = (version: CustomResourceDefinitionVersion, isCommon: boolean): BetaVersion => {
  const { schema, subresources, additionalPrinterColumns: columns, selectableFields, ...rest } = version
  return {
    ...rest,
    ...(isCommon
      ? {}
      : {
          ...(schema ? { schema } : {}),
          ...(subresources ? { subresources } : {}),
          ...(columns ? { additionalPrinterColumns: columns.map(columnFromStored) } : {}),
          ...(selectableFields ? { selectableFields } : {}),
        }),
  }
}

const commonOf = ({
  schema,
  subresources,
  additionalPrinterColumns,
  selectableFields,
}: CustomResourceDefinitionVersion) => ({
  schema,
  subresources,
  additionalPrinterColumns,
  selectableFields,
})

const specFromStored = (spec: CustomResourceDefinitionSpec): BetaSpec => {
  const { versions, preserveUnknownFields = false, conversion: given, ...rest } = spec
  const [first] = versions
  const isCommon = first !== undefined && versions.every((each) => deepEqual(commonOf(each), commonOf(first)))
  const { schema, subresources, additionalPrinterColumns: columns, selectableFields } = isCommon ? first : {}
  return {
    ...rest,
    ...(first ? { version: first.name } : {}),
    ...(schema ? { validation: schema } : {}),
    ...(subresources ? { subresources } : {}),
    ...(columns ? { additionalPrinterColumns: columns.map(columnFromStored) } : {}),
    ...(selectableFields ? { selectableFields } : {}),
    versions: versions.map((each) => versionFromStored(each, isCommon)),
    ...(given ? { conversion: conversionFromStored(given) } : {}),
    preserveUnknownFields,
  }
}

export const v1beta1: Conversion = conversion<BetaDefinition, CustomResourceDefinition>({
  toStored: ({ spec, ...definition }) => ({ ...definition, spec: specToStored(spec) }),
  fromStored: ({ spec, ...definition }) => ({ ...definition, spec: specFromStored(spec) }),
  shownField: (path) => path.replace(/\.webhook\.clientConfig/, '.webhookClientConfig'),
})
