/** Keeps an APIService for every group version of this server's own, and tells of the others whether they answer. */
import { sleep } from '../../api/clock.ts'
import { withCondition } from '../../api/conditions.ts'
import { deepEqual } from '../../api/deep-equal.ts'
import { errorText, isAlreadyExists, isNotFound } from '../../api/errors.ts'
import { apiServices } from '../../api/resources.ts'
import type { APIService, APIServiceCondition } from '../../api/types/kubernetes/apiregistration-v1.ts'
import type { CreateController } from './controller.ts'

const name = 'api-services'
const lookEveryMs = 15_000
const settleMs = 100

const managed = 'kube-aggregator.kubernetes.io/automanaged'

/** How those are found that answer for others: rejects with the reason when one does not answer. */
export type CheckRemote = (service: APIService) => Promise<void>

const available = (status: 'True' | 'False', reason: string, message: string) => ({
  type: 'Available',
  status,
  reason,
  message,
})

const local = available('True', 'Local', 'Local APIServices are always available')

interface OwnVersion {
  readonly group: string
  readonly version: string
  readonly isCustom: boolean
  readonly givesWay: boolean
}

const prioritiesOf = ({ version, isCustom, givesWay }: OwnVersion) => {
  // As metrics-server has it.
  if (givesWay) return { groupPriorityMinimum: 100, versionPriority: 100 }
  if (isCustom) return { groupPriorityMinimum: 1_000, versionPriority: 100 }
  return { groupPriorityMinimum: 17_000, versionPriority: version === 'v1' ? 15 : 9 }
}

/** `v1.apps`; the group without a name leaves the dot behind. */
const nameOf = (group: string, version: string): string => `${version}.${group}`

export const createApiServiceController =
  (check: CheckRemote): CreateController =>
  ({ client, informers, registry, clock, log }) => {
    const copies = informers.of(apiServices)

    const ownVersions = (): ReadonlyMap<string, OwnVersion> =>
      new Map(
        registry.definitions
          .toReversed()
          .map(({ group, version, schema, givesWay = false }) => [
            nameOf(group, version),
            { group, version, isCustom: schema !== undefined, givesWay },
          ]),
      )

    const make = async (key: string, own: OwnVersion): Promise<void> => {
      const { group, version, isCustom } = own
      const priorities = prioritiesOf(own)
      const service = {
        metadata: { name: key, labels: { [managed]: isCustom ? 'true' : 'onstart' } },
        spec: { group, version, ...priorities },
        status: {},
      }
      await client.create(apiServices, service).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error
      })
    }

    const keepOwn = async (): Promise<void> => {
      const own = ownVersions()
      for (const [key, each] of own) if (!copies.get(key)) await make(key, each)
      for (const [key, service] of copies.entries())
        if (service.metadata.labels?.[managed] !== undefined && !own.has(key))
          await client
            .delete(apiServices, service, { preconditions: { uid: service.metadata.uid ?? '' } })
            .catch((error: unknown) => {
              if (!isNotFound(error)) throw error
            })
    }

    const stateOf = async (service: APIService): Promise<Omit<APIServiceCondition, 'lastTransitionTime'>> => {
      const { group = '', version = '' } = service.spec ?? {}
      // Whatever it names, this server answers itself.
      if (!service.spec?.service || ownVersions().get(nameOf(group, version))?.givesWay === false) return local
      try {
        await check(service)
        return available('True', 'Passed', 'all checks passed')
      } catch (error) {
        const why = errorText(error)
        const reason = /service .* not found$/.test(why)
          ? 'ServiceNotFound'
          : /^no endpoints/.test(why)
            ? 'MissingEndpoints'
            : 'FailedDiscoveryCheck'
        return available('False', reason, why.slice(0, 512))
      }
    }

    const tell = async (service: APIService): Promise<void> => {
      const state = await stateOf(service)
      const before = service.status?.conditions ?? []
      const conditions = withCondition(before, state, clock.now())
      if (deepEqual(conditions, before)) return
      await client.patch(
        apiServices,
        service,
        { metadata: { uid: service.metadata.uid }, status: { conditions } },
        'status',
      )
    }

    return {
      name,
      run: async (signal) => {
        let wake = (): void => undefined
        const look = (): void => wake()
        copies.onChange(look, signal)
        const unsubscribe = registry.subscribe(look)
        try {
          while (!signal.aborted) {
            const again = new AbortController()
            wake = () => again.abort()
            try {
              await keepOwn()
              await Promise.all([...copies.values()].map((service) => tell(service)))
            } catch (error) {
              log.warn({ controller: name, err: error }, 'cannot keep the APIServices; trying again')
            }
            await sleep(lookEveryMs, AbortSignal.any([signal, again.signal]), clock)
            // What comes together is looked at together.
            await sleep(settleMs, signal, clock)
          }
        } finally {
          unsubscribe()
        }
      },
    }
  }
