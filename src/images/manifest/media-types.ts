/** What registries and layouts call the parts of an image: OCI's names and those of Docker's schema 2. */

export const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const

export const indexTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const

/** Of the time before images were known by their content. */
export const schema1Types = [
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
] as const

export const configTypes = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
  // What older tools write.
  'application/octet-stream',
] as const

const layerType =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+(?:gzip|zstd))?|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.(?:gzip|zstd))?)$/

export const isLayerType = (type: string): boolean => layerType.test(type)

/** Not to be had from a registry: Windows' own layers. */
export const isForeignLayerType = (type: string): boolean =>
  isLayerType(type) && /\.(?:nondistributable|foreign)\./.test(type)

/** A header may have parameters after it. */
export const plainType = (header: string): string => (header.split(';')[0] ?? '').trim().toLowerCase()

export const isOneOf = (types: readonly string[], type: string): boolean => types.includes(type)
