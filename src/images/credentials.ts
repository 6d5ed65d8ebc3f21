/** What a registry is shown. */
export type RegistryCredential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** A refresh token (`identitytoken`), which a token service changes for one of its own. */
  | { readonly kind: 'identity token'; readonly token: string }
  /** Sent as it is. */
  | { readonly kind: 'registry token'; readonly token: string }

/** All that fit an image, in the order in which they are to be tried. */
export interface ImageCredentials {
  /** `repository`: with its registry, `docker.io/library/nginx`. */
  for(repository: string): readonly RegistryCredential[]
}

export const noCredentials: ImageCredentials = { for: () => [] }
