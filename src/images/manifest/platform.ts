/** Which of an index's images is for this node. Pure. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  /** `v7` of arm; empty: any. */
  readonly variant: string
}

const architectures: Readonly<Record<string, Omit<Platform, 'os'>>> = {
  x64: { architecture: 'amd64', variant: '' },
  arm64: { architecture: 'arm64', variant: 'v8' },
  arm: { architecture: 'arm', variant: 'v7' },
  ia32: { architecture: '386', variant: '' },
  ppc64: { architecture: 'ppc64le', variant: '' },
  s390x: { architecture: 's390x', variant: '' },
  riscv64: { architecture: 'riscv64', variant: '' },
  loong64: { architecture: 'loong64', variant: '' },
}

/** `arch`: as Node calls it. */
export const nodePlatform = (arch: string = process.arch): Platform => ({
  os: 'linux',
  ...(architectures[arch] ?? { architecture: arch, variant: '' }),
})

export const platformName = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant === '' ? [] : [variant])].join('/')

/** The older an ARM, the more images of others it cannot run. */
const armVersion = (variant: string): number => Number(/^v(\d)$/.exec(variant)?.[1] ?? 0)

/** How well an image suits a node: 0 not at all, else the more the better. */
export const suitability = (node: Platform, image: Platform): number => {
  if (image.os !== node.os || image.architecture !== node.architecture) return 0
  if (image.variant === node.variant || image.variant === '') return 100
  if (node.architecture === 'arm' || node.architecture === 'arm64')
    return armVersion(image.variant) <= armVersion(node.variant) ? 1 + armVersion(image.variant) : 0
  // Of amd64: v2, v3 and v4 need newer processors than everybody has.
  return 0
}
