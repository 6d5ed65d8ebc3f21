/** Somebody with few rights: a ServiceAccount with a token of its own. */
import type { Connection } from '../../../src/api/kubeconfig.ts'
import type { AttackedLab, RawAnswer, RawRequest } from './attacked-lab.ts'

export const create = (path: string, object: object): RawRequest => ({
  ...{ method: 'POST', path, body: JSON.stringify(object) },
})

export const patch = (path: string, object: object): RawRequest => ({
  ...{ method: 'PATCH', path, type: 'application/merge-patch+json', body: JSON.stringify(object) },
})

/** The API as somebody with this token sees it. */
export const bearerOf = ({ admin }: AttackedLab, token: string): Connection => ({
  server: admin.server,
  ...(admin.ca === undefined ? {} : { ca: admin.ca }),
  token,
})

/** A request of the administrator's that must succeed. Throws with what the server says. */
export const demand = async (lab: AttackedLab, request: RawRequest): Promise<RawAnswer> => {
  const answer = await lab.ask(lab.admin, request)
  if (answer.status < 300) return answer
  throw new Error(`${request.method ?? 'GET'} ${request.path}: ${answer.status} ${answer.text.slice(0, 200)}`)
}

export const accountsPath = '/api/v1/namespaces/default/serviceaccounts'

/** A token of the ServiceAccount `name` in the namespace `default`. */
export const tokenOf = async (lab: AttackedLab, name: string, spec: object = {}): Promise<string> => {
  const { text } = await demand(
    lab,
    create(`${accountsPath}/${name}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }),
  )
  return JSON.parse(text).status.token
}

/** A new ServiceAccount in the namespace `default`, with a ClusterRole for that namespace alone. */
export const accountWith = async (lab: AttackedLab, name: string, role?: string): Promise<Connection> => {
  await demand(lab, create(accountsPath, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } }))
  if (role !== undefined)
    await demand(
      lab,
      create('/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
        ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name } },
        subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      }),
    )
  return bearerOf(lab, await tokenOf(lab, name))
}
