import type { PodTemplate } from '../../../api/types/kubernetes/core-v1.ts'
import { column, list, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { subdomainName } from '../names.ts'
import { defaultPodTemplate } from './pod-defaults.ts'
import { validatePodTemplate } from './pod-validation.ts'

const containers = ({ template }: PodTemplate) => template.spec.containers

export const podTemplate = define<PodTemplate>({
  group: '',
  version: 'v1',
  plural: 'podtemplates',
  singular: 'podtemplate',
  kind: 'PodTemplate',
  namespaced: true,
  nameRule: subdomainName,
  generation: true,
  columns: [
    nameColumn,
    column(
      'Containers',
      (each) =>
        list(
          containers(each).map(({ name }) => name),
          '',
        ),
      'Names of its containers',
    ),
    column(
      'Images',
      (each) =>
        list(
          containers(each).map(({ image }) => image ?? ''),
          '',
        ),
      'What they run',
    ),
    column(
      'Pod Labels',
      ({ template }) =>
        list(Object.entries(template.metadata?.labels ?? {}).map(([name, value]) => `${name}=${value}`)),
      'The labels of its pods',
    ),
  ],
  defaults: (each) => ({ ...each, template: defaultPodTemplate(each.template) }),
  validate: ({ template }) => validatePodTemplate(template, 'template'),
})
