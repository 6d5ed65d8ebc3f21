/** A runtime of containers of images, with one image: busybox, as a single layer. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createFakeImages } from '../../src/agent/runtime/fake-images.ts'
import type { ImageRoots } from '../../src/agent/runtime/oci/image-roots.ts'
import { readNodeFacts } from '../../src/agent/runtime/oci/node-facts.ts'
import { createNodeImages, type NodeImages } from '../../src/agent/runtime/oci/node-images.ts'
import { createOciRuntime, type OciRuntimeOptions } from '../../src/agent/runtime/oci/oci-runtime.ts'
import { findProgram, NoProgram } from '../../src/agent/runtime/oci/program.ts'
import type { Runtime } from '../../src/agent/runtime/runtime.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { canSetGroups, readIdMap } from '../../src/host/id-map.ts'
import { createLogger } from '../../src/host/log.ts'
import { openNodeImages } from '../../src/images/node/open-images.ts'
import { busyboxLayer, noBusybox } from './busybox-root.ts'
import { configOf, layerOf } from './image-store.ts'

/** Why no container of an image can be run here; undefined when one can. */
export const noOciRuntime = async (): Promise<string | undefined> => {
  const { isCgroup2 } = await readNodeFacts()
  const missing = await findProgram(createCommandRunner(), isCgroup2).then(
    () => undefined,
    (error: unknown) => (error instanceof NoProgram ? error.message : Promise.reject(error)),
  )
  return missing ?? noBusybox()
}

export const busyboxImage = { id: 'sha256:busybox', digest: 'test/busybox@sha256:busybox', name: 'test/busybox' }

/** Holds are kept in memory. `layers` is a folder with a folder `root` in it. */
export const memoryRoots = (layers: string, isUserNamespace: boolean): ImageRoots => {
  const holds = new Map<string, string>()
  return {
    layersOf: async () => ({ folder: layers, names: ['root'], mountOptions: isUserNamespace ? ['userxattr'] : [] }),
    hold: async (image, user) => void holds.set(user, image),
    release: async (_image, user) => void holds.delete(user),
    held: async () => [...holds].map(([user, image]) => ({ image, user })),
  }
}

export const testOciRuntime = async (
  folder: string,
  layers: string,
  more: Partial<OciRuntimeOptions> = {},
): Promise<Runtime> => {
  const facts = await readNodeFacts()
  mkdirSync(folder, { recursive: true })
  return createOciRuntime({
    ...{ stateDir: join(folder, 'state'), diskDir: join(folder, 'disk'), seccompDir: join(folder, 'seccomp') },
    program: () => findProgram(createCommandRunner(), facts.isCgroup2),
    ...{ facts, images: createFakeImages(), roots: memoryRoots(layers, facts.isUserNamespace), cgroups: undefined },
    identities: { canBecome: await readIdMap(), canSetGroups: await canSetGroups() },
    ...{ onChange: () => undefined, onDamage: () => undefined, log: createLogger('test'), pollMs: 200 },
    ...more,
  })
}

/** A store of images below `folder`, with busybox in it. */
export const busyboxStore = async (folder: string): Promise<{ readonly images: NodeImages; readonly id: string }> => {
  const opened = await openNodeImages({
    ...{ folder, runner: createCommandRunner() },
    onNotice: (message) => {
      throw new Error(message)
    },
  })
  const { store } = opened
  const name = 'docker.io/library/busybox:1'
  const layer = busyboxLayer()
  const found = await store.images.find(name)
  const image =
    found ??
    (
      await store.images.add({
        ...{ config: configOf([layer], { Cmd: ['sh'], Env: ['PATH=/bin'] }), layers: 1, names: [name] },
        layer: () => layerOf(layer),
      })
    ).image
  return { images: createNodeImages(async () => opened), id: image.id }
}
