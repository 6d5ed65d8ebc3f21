import { required } from '../../../api/errors.ts'
import type { ControllerRevision } from '../../../api/types/kubernetes/apps-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { subdomainName } from '../names.ts'
import { atLeastZero } from '../quantities.ts'

/** `statefulset.apps/web` */
const ownerText = ({ metadata }: ControllerRevision): string => {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller)
  if (!owner) return '<none>'
  const [group] = owner.apiVersion.includes('/') ? owner.apiVersion.split('/') : []
  return `${owner.kind.toLowerCase()}${group === undefined ? '' : `.${group}`}/${owner.name}`
}

export const controllerRevision = define<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  plural: 'controllerrevisions',
  singular: 'controllerrevision',
  kind: 'ControllerRevision',
  namespaced: true,
  nameRule: subdomainName,
  columns: [
    nameColumn,
    column('Controller', ownerText, 'Whose past it is'),
    column('Revision', ({ revision }) => revision, 'Its place in that past'),
    ageColumn,
  ],
  validate: ({ data, revision }) => [
    ...(data === undefined ? [required('data', 'data is mandatory')] : []),
    ...atLeastZero(revision, 'revision'),
  ],
  validateUpdate: ({ data }, old) => immutable('data', data, old.data),
})
