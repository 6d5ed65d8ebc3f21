/** A control plane that joins others: it gets the keys of the cluster, and knows when it has those of another one. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../api/client.ts'
import { isAlreadyExists, isNotFound } from '../api/errors.ts'
import { configMaps } from '../api/resources.ts'
import type { Secret } from '../api/types/index.ts'
import { acceptInvitation, invitationSecret, writeSharedKeys } from './auth/shared-keys.ts'
import type { StorePlace } from './open-backend.ts'

/** Throws when the cluster has keys that are neither here nor to be had with this token. */
export const obtainKeys = async (
  place: StorePlace,
  folder: string,
  token: string | undefined,
  now: number,
): Promise<void> => {
  const hasKeys = existsSync(join(folder, 'ca.crt')) || existsSync(join(folder, 'ca.key'))
  if (place.isSole || hasKeys || !(await place.isFounded())) return
  if (token === undefined)
    throw new Error(
      `the cluster in etcd has keys that are not in ${folder}: run "podway token create --control-plane" on one of its control planes, and start this one with the token that it prints`,
    )
  const { namespace, name } = invitationSecret(token)
  const backend = await place.open()
  try {
    const { kept } = await backend.load()
    const found = kept.find(({ key }) => key.bucket === 'secrets' && key.name === `${namespace}/${name}`)
    if (!found)
      throw new Error(`there is no Secret ${namespace}/${name}: the token has expired or was revoked; make another one`)
    await writeSharedKeys(folder, acceptInvitation(token, JSON.parse(found.value) as Secret, now))
  } finally {
    await backend.close()
  }
}

const metadata = { name: 'podway-cluster', namespace: 'kube-system' }

/** Throws when the store is that of a cluster with another authority. */
export const checkCluster = async (client: Client, authority: string): Promise<void> => {
  const find = async () => {
    try {
      return (await client.get(configMaps, metadata.name, metadata.namespace)).data?.['ca.crt']
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
  const owner = await find()
  if (owner === undefined || owner.trim() === authority.trim()) return
  throw new Error(
    `the store is that of a cluster with another authority (ConfigMap ${metadata.namespace}/${metadata.name}): use its ca.crt and ca.key, or another store`,
  )
}

/** From now on the store is that of this authority's cluster; of servers that begin at the same time one wins. */
export const claimCluster = async (client: Client, authority: string): Promise<void> => {
  try {
    await client.create(configMaps, { metadata, data: { 'ca.crt': authority } })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    await checkCluster(client, authority)
  }
}
