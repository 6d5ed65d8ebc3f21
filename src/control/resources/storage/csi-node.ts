import { deepEqual } from '../../../api/deep-equal.ts'
import { duplicate, type FieldError, invalidValue, required } from '../../../api/errors.ts'
import { checkQualifiedName } from '../../../api/names.ts'
import type { CSINode, CSINodeDriver } from '../../../api/types/kubernetes/storage-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { validateDriverName } from '../driver-name.ts'
import { ifWrong, subdomainName } from '../names.ts'
import { atLeastZero } from '../quantities.ts'
import { repeatedAt } from '../repeated.ts'

const nodeIDLimit = 256

const validateNodeID = (nodeID: string, field: string): FieldError[] => {
  if (nodeID === '') return [required(field)]
  return nodeID.length > nodeIDLimit ? [invalidValue(field, nodeID, 'must be 256 characters or less')] : []
}

const validateDriver = (driver: CSINodeDriver, field: string): FieldError[] => {
  const { name = '', nodeID = '', topologyKeys = [], allocatable } = driver
  return [
    ...validateDriverName(name, `${field}.name`),
    ...validateNodeID(nodeID, `${field}.nodeID`),
    ...atLeastZero(allocatable?.count, `${field}.allocatable.count`),
    ...repeatedAt(topologyKeys).map((at) => duplicate(field, topologyKeys[at])),
    ...topologyKeys.flatMap((key) =>
      key === '' ? [required(field)] : ifWrong(checkQualifiedName(key), field, topologyKeys),
    ),
  ]
}

const validate = ({ spec }: CSINode): FieldError[] => {
  const drivers = spec.drivers ?? []
  const names = drivers.map(({ name }) => name)
  return [
    ...drivers.flatMap((driver, at) => validateDriver(driver, `spec.drivers[${at}]`)),
    ...repeatedAt(names).map((at) => duplicate(`spec.drivers[${at}].name`, names[at])),
  ]
}

/** What a driver said of a node stays as long as it is there. */
const validateUpdate = ({ spec }: CSINode, { spec: old }: CSINode): FieldError[] => {
  const before = new Map((old.drivers ?? []).map((driver) => [driver.name, driver]))
  return (spec.drivers ?? []).flatMap((driver) => {
    const known = before.get(driver.name)
    return !known || deepEqual(known, driver) ? [] : [invalidValue('CSINodeDriver', driver, 'field is immutable')]
  })
}

export const csiNode = define<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'csinodes',
  singular: 'csinode',
  kind: 'CSINode',
  namespaced: false,
  nameRule: subdomainName,
  updateNeedsVersion: true,
  columns: [
    nameColumn,
    column('Drivers', ({ spec }) => (spec.drivers ?? []).length, 'How many CSI drivers the node has', 'integer'),
    ageColumn,
  ],
  validate,
  validateUpdate,
})
