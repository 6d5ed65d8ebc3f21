/** The form of every text of this group's kinds. */
import { type FieldFormats, label, line, objectName, urlPath, word } from '../formats/formats.ts'
import { byKind, object } from '../formats/words.ts'

export const rbacFormats: FieldFormats = {
  'rbac/v1.Role': object,
  'rbac/v1.ClusterRole': object,
  'rbac/v1.PolicyRule': {
    ...{ apiGroups: word, resources: word, verbs: word },
    // Of whatever resource: users and signers have names that no object could have.
    resourceNames: line,
    nonResourceURLs: urlPath,
  },
  'rbac/v1.RoleBinding': object,
  'rbac/v1.ClusterRoleBinding': object,
  'rbac/v1.RoleRef': { apiGroup: byKind, kind: byKind, name: objectName },
  // Users and groups are named by whoever vouches for them.
  'rbac/v1.Subject': { apiGroup: byKind, kind: byKind, name: line, namespace: label },
}
