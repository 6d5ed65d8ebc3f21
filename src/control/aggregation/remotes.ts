/** The group versions that somebody else answers for: APIServices with a Service. */
import type { APIService } from '../../api/types/kubernetes/apiregistration-v1.ts'
import type { Registry } from '../registry/registry.ts'
import { apiService } from '../resources/apiregistration/api-service.ts'
import type { Store } from '../storage/store.ts'
import { followed } from '../webhooks/configurations.ts'

export interface Remote {
  readonly group: string
  readonly version: string
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number }
  readonly caBundle: string | undefined
  readonly isUnverified: boolean
  /** What is served beside it by others comes first, when that has more. */
  readonly priority: number
  /** False for one that was found not to answer: nobody waits for it. */
  readonly isExpected: boolean
}

/** None for one that this server answers itself. */
export const remoteOf = ({ metadata, spec, status }: APIService): readonly Remote[] => {
  const { group = '', version = '', service, caBundle, insecureSkipTLSVerify = false } = spec ?? {}
  if (!service || group === '' || metadata.deletionTimestamp !== undefined) return []
  const { namespace = '', name = '', port = 443 } = service
  const priority = spec?.versionPriority ?? 0
  const isExpected = status?.conditions?.find(({ type }) => type === 'Available')?.status !== 'False'
  return [
    {
      ...{ group, version, service: { namespace, name, port }, caBundle, priority, isExpected },
      isUnverified: insecureSkipTLSVerify,
    },
  ]
}

/** Those of groups and versions that are not this server's own, or give way: nobody takes the place of another one. */
export const createRemotes = (store: Store, registry: Registry): (() => readonly Remote[]) => {
  const all = followed(store, apiService, (objects) =>
    objects.flatMap((object) => remoteOf(object as APIService)).toSorted((a, b) => b.priority - a.priority),
  )
  const isOwn = ({ group, version }: Remote): boolean =>
    registry.definitions.some((row) => !row.givesWay && row.group === group && row.version === version)
  return () => all().filter((remote) => !isOwn(remote))
}
