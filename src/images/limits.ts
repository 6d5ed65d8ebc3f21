/** What an image may have. Whoever made it may mean harm; what is larger is refused with its size and the limit. */
export const limits = {
  /** Of a manifest or an index, as registries themselves limit it. */
  manifestBytes: 4 * 1024 * 1024,
  configBytes: 4 * 1024 * 1024,
  /** More than the kernel takes as lower folders of one overlay would help nobody. */
  layers: 127,
  /** Of one layer, unpacked. */
  layerBytes: 64 * 1024 ** 3,
  /** Files and folders of one layer. */
  layerEntries: 500_000,
  /** Unpacked bytes for each compressed one, once a layer is larger than `ratioFreeBytes`. */
  ratio: 1_100,
  ratioFreeBytes: 256 * 1024 * 1024,
  /** Folders in folders. */
  pathDepth: 256,
  pathBytes: 4_095,
  nameBytes: 255,
  /** Of the records before one entry: long names and extended attributes. */
  metadataBytes: 1024 * 1024,
  /** Of one extended attribute; the kernel's own limit. */
  xattrBytes: 65_536,
  /** Of all that is noted of a layer's paths while it is unpacked. */
  pathTableBytes: 96 * 1024 * 1024,
  /** Of the thread that unpacks a layer: what it notes of as many paths as there may be takes about the half. */
  unpackHeapMb: 256,
  /** Data and holes in turn. */
  sparseSegments: 100_000,
} as const

export type Limits = { readonly [K in keyof typeof limits]: number }
