/** What a container's processes may do, as a pod's security contexts ask for it. */

/** Which system calls are let through: those that the runtime holds for harmless, all, or what a file of the node says. */
export type SeccompProfile = 'default' | 'unconfined' | { readonly file: string }

export type AppArmorProfile = 'default' | 'unconfined' | { readonly profile: string }

export interface SeLinuxLabel {
  readonly user?: string
  readonly role?: string
  readonly type?: string
  readonly level?: string
}

/**
 * By number; or as an image names its user (`nginx`, `1000:www`), found in the files of the image. A group that is not given is the
 * user's own there, and root's where there is no image or no such user.
 */
export type ContainerUser =
  | { readonly uid: number; readonly gid?: number }
  | { readonly named: string; readonly gid?: number }

export interface ContainerSecurity {
  /** Root with the usual group when missing. */
  readonly user?: ContainerUser
  /** Supplementary groups. */
  readonly groups?: readonly number[]
  /** As `net_bind_service`, or all that the node has; the usual ones when missing. */
  readonly capabilities?: readonly string[] | 'all'
  /** Nothing is masked, and all devices of the node are there. */
  readonly privileged?: boolean
  /** The processes cannot gain rights, not by set-user-id programs either. */
  readonly noNewPrivileges?: boolean
  readonly readOnlyRoot?: boolean
  /** `unconfined` when missing. */
  readonly seccomp?: SeccompProfile
  readonly appArmor?: AppArmorProfile
  readonly seLinux?: SeLinuxLabel
  /** Nothing of /proc is masked or read-only. */
  readonly unmaskedProc?: boolean
}
