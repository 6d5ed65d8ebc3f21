/** ConfigMaps and Secrets, fetched when a container needs them: to watch them all would cost more than it saves. */
import type { Client } from '../../api/client.ts'
import { type Clock, systemClock } from '../../api/clock.ts'
import { isNotFound } from '../../api/errors.ts'
import { configMaps, type Resource, secrets } from '../../api/resources.ts'
import type { ConfigMap, KubeObject, Pod, Secret } from '../../api/types/index.ts'
import { configNames } from './container-env.ts'

export interface PodConfig {
  readonly configMaps: ReadonlyMap<string, ConfigMap>
  readonly secrets: ReadonlyMap<string, Secret>
}

export interface ConfigNames {
  readonly configMaps: readonly string[]
  readonly secrets: readonly string[]
}

export interface ConfigSourceOptions {
  readonly client: Client
  readonly clock?: Clock
  /** Many pods that start at once share one look. */
  readonly cacheMs?: number
}

/** Fetches what the pod's environment mentions, or what is named beside; what does not exist is left out. */
export const createConfigSource = ({ client, clock = systemClock, cacheMs = 2_000 }: ConfigSourceOptions) => {
  const cache = new Map<string, { readonly at: number; readonly object: Promise<KubeObject | undefined> }>()

  const forgetOld = (): void => {
    for (const [key, { at }] of cache) if (clock.now() - at >= cacheMs) cache.delete(key)
  }

  const fetch = async <T extends KubeObject>(resource: Resource<T>, name: string, namespace: string) => {
    const key = `${resource.plural}/${namespace}/${name}`
    const object =
      cache.get(key)?.object ??
      client.get(resource, name, namespace).catch((error: unknown) => {
        cache.delete(key)
        if (isNotFound(error)) return undefined
        throw error
      })
    if (!cache.has(key)) cache.set(key, { at: clock.now(), object })
    return (await object) as T | undefined
  }

  const fetchAll = async <T extends KubeObject>(resource: Resource<T>, names: readonly string[], namespace: string) => {
    const found = new Map<string, T>()
    for (const name of names) {
      const object = await fetch(resource, name, namespace)
      if (object) found.set(name, object)
    }
    return found
  }

  return async (pod: Pod, names: ConfigNames = configNames(pod)): Promise<PodConfig> => {
    forgetOld()
    const namespace = pod.metadata.namespace ?? ''
    return {
      configMaps: await fetchAll(configMaps, names.configMaps, namespace),
      secrets: await fetchAll(secrets, names.secrets, namespace),
    }
  }
}
