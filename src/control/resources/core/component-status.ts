import type { ComponentStatus } from '../../../api/types/kubernetes/core-v1.ts'
import { column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { subdomainName } from '../names.ts'

const healthOf = ({ conditions = [] }: ComponentStatus) => conditions.find(({ type }) => type === 'Healthy')

const statusText = (component: ComponentStatus): string => {
  const status = healthOf(component)?.status
  return status === 'True' ? 'Healthy' : status === 'False' ? 'Unhealthy' : 'Unknown'
}

/** How the parts of the control plane are: looked at when somebody asks, and kept nowhere. */
export const componentStatus = define<ComponentStatus>({
  group: '',
  version: 'v1',
  plural: 'componentstatuses',
  singular: 'componentstatus',
  kind: 'ComponentStatus',
  namespaced: false,
  shortNames: ['cs'],
  verbs: ['get', 'list'],
  deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
  nameRule: subdomainName,
  columns: [
    nameColumn,
    column('Status', statusText, 'Whether the component does its work'),
    column('Message', (component) => healthOf(component)?.message ?? '', 'What its health check says'),
    column('Error', (component) => healthOf(component)?.error ?? '', 'Why the health check failed'),
  ],
})
