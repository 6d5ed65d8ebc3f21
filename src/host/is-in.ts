/** Whether a path is a folder, or lies in it. Both are as the kernel names them: absolute, and without `..`. Pure. */
export const isIn = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)
