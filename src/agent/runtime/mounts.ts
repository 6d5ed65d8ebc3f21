/** A file or a folder of the node that containers see. */
export interface Mount {
  /** An absolute path on the node, in which no part is a link that a pod could have made. */
  readonly source: string
  readonly target: string
  readonly kind: 'file' | 'folder'
  readonly readOnly: boolean
  /** Which mounts made later below it are seen on the other side: none, when missing. */
  readonly propagation?: 'host-to-container' | 'bidirectional'
}
