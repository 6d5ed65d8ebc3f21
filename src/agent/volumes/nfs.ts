/** Volumes of an NFS server, mounted by the node's own mount.nfs. */
import { access, mkdir } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { bracketed, parseAddress } from '../../ip/address.ts'
import { textIn } from './fields.ts'
import type { NodeMounts } from './node-mounts.ts'
import type { VolumePlugin } from './plugin.ts'

const programs = ['/sbin/mount.nfs', '/usr/sbin/mount.nfs']

/** A name or an address, and nothing that mount would read as something else. */
const serverOf = (server: string): string => {
  if (parseAddress(server)) return bracketed(server)
  if (server.length <= 253 && /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(server)) return server
  throw new Error(`invalid NFS server ${JSON.stringify(server)}`)
}

const pathOf = (path: string): string => {
  if (isAbsolute(path) && !/[\0\n]/.test(path)) return path
  throw new Error(`invalid NFS path ${JSON.stringify(path)}`)
}

/** One word of `-o`; a comma would begin another one. */
const checkOption = (option: string): string => {
  if (/^[A-Za-z0-9_][A-Za-z0-9_=.:/-]*$/.test(option)) return option
  throw new Error(`invalid mount option ${JSON.stringify(option)}`)
}

const canMount = async (): Promise<boolean> => {
  const found = await Promise.allSettled(programs.map((program) => access(program)))
  return found.some(({ status }) => status === 'fulfilled')
}

export const createNfs = (mounts: NodeMounts, isThere: () => Promise<boolean> = canMount): VolumePlugin => ({
  prepare: async ({ source, claimed, onDisk }) => {
    const place = `${serverOf(textIn(source, 'server'))}:${pathOf(textIn(source, 'path'))}`
    const readOnly = source['readOnly'] === true
    const options = [...(claimed?.spec.mountOptions ?? []).map(checkOption), ...(readOnly ? ['ro'] : [])]
    if (!(await isThere()))
      throw new Error('this node cannot mount NFS: mount.nfs is missing (install nfs-common or nfs-utils on it)')
    await mkdir(onDisk, { recursive: true, mode: 0o755 })
    await mounts.mountSource({ type: 'nfs', source: place, options: ['nosuid', 'nodev', ...options] }, onDisk)
    return { path: onDisk, kind: 'folder', readOnly }
  },
})
