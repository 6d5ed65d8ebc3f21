/** Pods act as a ServiceAccount of their namespace, and get its token unless they or it want none. */
import { randomInt } from 'node:crypto'
import type { Clock } from '../../api/clock.ts'
import { type ApiError, forbidden } from '../../api/errors.ts'
import { isJsonObject } from '../../api/json.ts'
import { isMirrorPod } from '../../api/pods.ts'
import type { Container, Pod, PodSpec } from '../../api/types/index.ts'
import type { ServiceAccount } from '../../api/types/kubernetes/core-v1.ts'
import type { Admission } from '../objects/admission.ts'
import { pod as pods } from '../resources/core/pod.ts'
import { serviceAccount as accounts } from '../resources/core/service-account.ts'
import { bucketOf } from '../resources/definition.ts'
import type { Store } from '../storage/store.ts'
import { secretReferences } from './secret-references.ts'

const defaultAccount = 'default'
/** A new namespace has its account in a moment. */
const patienceMs = 1_500

const mountableAnnotation = 'kubernetes.io/enforce-mountable-secrets'
const volumePrefix = 'kube-api-access-'
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
/** An hour, and a little that tells these from tokens that somebody asked for. */
const tokenSeconds = 3607

const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789'
const newSuffix = (): string =>
  Array.from({ length: 5 }, () => suffixAlphabet[randomInt(suffixAlphabet.length)] ?? '').join('')

/** A volume as it stands in a pod: more than what this server looks into. */
const tokenVolume = (name: string): { readonly name: string } => {
  const volume = {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: 0o644,
    },
  }
  return volume
}

const hasTokenPlace = ({ volumeMounts = [] }: Container): boolean =>
  volumeMounts.some((mount) => mount.mountPath === mountPath)

/** Every container sees the token, unless it has something else at that place. */
const withToken = (spec: PodSpec): PodSpec => {
  const { volumes = [], containers, initContainers } = spec
  const known = volumes.find(({ name }) => name.startsWith(volumePrefix))?.name
  const name = known ?? `${volumePrefix}${newSuffix()}`
  const mount = { name, readOnly: true, mountPath }
  const mounted = (container: Container): Container =>
    hasTokenPlace(container) ? container : { ...container, volumeMounts: [...(container.volumeMounts ?? []), mount] }
  const isNeeded = ![...containers, ...(initContainers ?? [])].every(hasTokenPlace)
  return {
    ...spec,
    containers: containers.map(mounted),
    ...(initContainers ? { initContainers: initContainers.map(mounted) } : {}),
    ...(known === undefined && isNeeded ? { volumes: [...volumes, tokenVolume(name)] } : {}),
  }
}

/** What is wrong with a pod that a node runs without being told to; undefined for nothing. */
const wrongMirror = (pod: Pod): string | undefined => {
  if (pod.spec.serviceAccountName) return 'a mirror pod may not reference service accounts'
  if (secretReferences(pod.spec).length > 0) return 'a mirror pod may not reference secrets'
  const sources = (pod.spec.volumes ?? []).flatMap((volume: object) => {
    const projected = isJsonObject(volume) ? volume['projected'] : undefined
    const list = isJsonObject(projected) ? projected['sources'] : undefined
    return Array.isArray(list) ? list : []
  })
  return sources.some((source) => isJsonObject(source) && source['serviceAccountToken'] !== undefined)
    ? 'a mirror pod may not use ServiceAccountToken volume projections'
    : undefined
}

/** What the pod uses and its account does not list, where only what it lists may be used. */
const wrongSecret = ({ spec }: Pod, account: ServiceAccount): string | undefined => {
  if (account.metadata.annotations?.[mountableAnnotation] !== 'true') return undefined
  const listed = new Set((account.secrets ?? []).map(({ name }) => name))
  const pulling = new Set((account.imagePullSecrets ?? []).map(({ name }) => name))
  const { name } = account.metadata
  const wrong = secretReferences(spec).find((each) => !listed.has(each.secret) && each.use !== 'pull')
  if (wrong) return `${wrong.text} is not allowed because service account ${name} does not reference that secret`
  const at = (spec.imagePullSecrets ?? []).findIndex((each) => !pulling.has(each.name ?? ''))
  return at < 0
    ? undefined
    : `imagePullSecrets[${at}].name="${spec.imagePullSecrets?.[at]?.name}" is not allowed because service account ${name} does not reference that imagePullSecret`
}

const wantsToken = ({ spec }: Pod, account: ServiceAccount): boolean =>
  spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true

const withPullSecrets = (spec: PodSpec, { imagePullSecrets = [] }: ServiceAccount): PodSpec =>
  (spec.imagePullSecrets ?? []).length > 0 || imagePullSecrets.length === 0 ? spec : { ...spec, imagePullSecrets }

export const serviceAccount = (store: Store, clock: Clock): Admission => {
  const bucket = bucketOf(accounts)
  const find = (name: string) => store.get({ bucket, name })?.object as ServiceAccount | undefined

  /** Resolves when it is there, or when that takes too long. */
  const waitFor = (key: string): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        cancel()
        unwatch()
        resolve()
      }
      const cancel = clock.after(patienceMs, done)
      const unwatch = store.watch(bucket, store.revision, ({ key: { name } }) => {
        if (name === key) done()
      })
    })

  const accountOf = async (namespace: string, name: string): Promise<ServiceAccount | undefined> => {
    const key = `${namespace}/${name}`
    if (!find(key) && name === defaultAccount) await waitFor(key)
    return find(key)
  }

  const refuse = (pod: Pod, why: string): ApiError => forbidden(pods, pod.metadata.name, why)

  const accountFor = async (pod: Pod, name: string): Promise<ServiceAccount> => {
    const { namespace = '' } = pod.metadata
    const account = await accountOf(namespace, name)
    if (account) return account
    throw refuse(pod, `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`)
  }

  const admitPod = async (pod: Pod): Promise<Pod> => {
    if (isMirrorPod(pod)) {
      const wrong = wrongMirror(pod)
      if (wrong !== undefined) throw refuse(pod, wrong)
      return pod
    }
    const name = pod.spec.serviceAccountName || defaultAccount
    const account = await accountFor(pod, name)
    const spec = withPullSecrets({ ...pod.spec, serviceAccountName: name, serviceAccount: name }, account)
    const admitted = { ...pod, spec: wantsToken(pod, account) ? withToken(spec) : spec }
    const wrong = wrongSecret(admitted, account)
    if (wrong !== undefined) throw refuse(pod, wrong)
    return admitted
  }

  /** What is added to a pod that runs uses no other Secrets than the pod could. */
  const checkAdded = async (pod: Pod): Promise<Pod> => {
    const { serviceAccountName: name, ephemeralContainers = [] } = pod.spec
    if (!name) return pod
    const added = { ...pod, spec: { containers: [], ephemeralContainers } }
    const wrong = wrongSecret(added, await accountFor(pod, name))
    if (wrong !== undefined) throw refuse(pod, wrong)
    return pod
  }

  return {
    name: 'ServiceAccount',
    admit: ({ operation, definition, object, asked }) => {
      if (definition !== pods) return object
      if (operation === 'create') return admitPod(object as Pod)
      return asked?.subresource === 'ephemeralcontainers' ? checkAdded(object as Pod) : object
    },
  }
}
